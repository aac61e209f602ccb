//! Tells whoever wants to be told: webhooks, commands, mail. Queued, repeated,
//! never twice.
