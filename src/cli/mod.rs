//! What people and scripts type. Asks, shows, and turns what happened into an
//! exit code; it decides nothing about patching.

mod act;
mod answerer;
mod arguments;
mod check;
mod config;
mod context;
mod doctor;
mod engine;
mod explain;
mod feeds;
mod history;
mod image;
mod logs;
mod progress;
mod quarantine;
mod rehearse;
mod rollback;
mod run;
mod schedule;
mod screen;
mod status;
mod takeover;
mod vulnerabilities;

use clap::{CommandFactory, Parser};

use arguments::{Arguments, Command, NotifyCommand};
use context::Context;
pub use context::Trouble;
use screen::Screen;

use crate::control::Action;
use crate::model::ExitCode;
use crate::os::jail::Image;
use crate::os::{journal, net, process};
use crate::{daemon, worker};

/// The whole command line, for manual pages and completions.
#[must_use]
pub fn command() -> clap::Command {
    Arguments::command()
}

/// The program.
#[must_use]
pub fn main() -> std::process::ExitCode {
    match Arguments::try_parse() {
        // Whose place it takes, his exit status it has.
        Ok(Arguments {
            command: Command::RehearsalStandIn { path, arguments },
            ..
        }) => worker::rehearsal_stand_in(&path, &arguments).into(),
        Ok(Arguments {
            command: Command::Jail { part, words },
            ..
        }) => part.play(&words).into(),
        Ok(arguments) => carry_out(&arguments).into(),
        Err(usage) => {
            // Help and version are no errors; clap knows which stream is whose.
            let _closed = usage.print();
            if usage.use_stderr() {
                ExitCode::Usage.into()
            } else {
                ExitCode::Success.into()
            }
        }
    }
}

fn carry_out(arguments: &Arguments) -> ExitCode {
    match &arguments.command {
        Command::Daemon => return daemon::main(),
        Command::Worker => return worker::main(),
        Command::Net => return net::serve(),
        Command::Feed => return crate::feeds::read::serve(),
        Command::TransactionGuard { plan } => return worker::transaction_guard(plan),
        Command::RehearsalInside => return worker::rehearsal_inside(),
        _ => {}
    }
    let screen = Screen::new(arguments.json);
    journal::start(journal::Detail::of(arguments.verbose, screen.is_terminal()));
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(cause) => return screen.fail(&Trouble::failed(&cause)),
    };
    let done = runtime.block_on(dispatch(arguments, &screen));
    // Waiting threads are of no use to anybody any more.
    runtime.shutdown_background();
    done.unwrap_or_else(|trouble| screen.fail(&trouble))
}

async fn dispatch(arguments: &Arguments, screen: &Screen) -> Result<ExitCode, Trouble> {
    if let Some(root) = arguments.root.as_deref()
        && !Image::is_around_us()
    {
        return image::enter(arguments, screen, root).await;
    }
    let mut context = Context::new(arguments.config.clone(), arguments.no_daemon);
    if let Some(socket) = &arguments.orders {
        // As if whoever started us and we were one process.
        process::end_with_parent().map_err(|cause| Trouble::failed(&cause))?;
        context.orders = Some(socket.clone());
    }
    if arguments.json && arguments.command.is_text_only() {
        let sentence = "this command prints text alone; leave out --json";
        return Err(Trouble::usage(sentence.to_owned()));
    }
    if arguments.command.opens_ledger()
        && !context.asks_daemon()?
        && let Some(user) = engine::user()
    {
        return engine::call(user, &context.paths).await;
    }
    image::tell_what_is_left_out(&context, &arguments.command);
    let done = answer(&context, arguments, screen).await;
    engine::hand_back(&context.paths)?;
    done
}

/// By this very process, or by the daemon.
async fn answer(
    context: &Context,
    arguments: &Arguments,
    screen: &Screen,
) -> Result<ExitCode, Trouble> {
    match &arguments.command {
        Command::Check { policy, exit_code } => {
            check::check(context, screen, policy.clone(), *exit_code).await
        }
        Command::Run(wish) => {
            let done = run::run(context, screen, wish).await;
            done.inspect_err(run::tell_skipped)
        }
        Command::Rehearse(wish) => rehearse::rehearse(context, screen, wish).await,
        Command::Rollback(wish) => rollback::rollback(context, screen, wish).await,
        Command::Explain { package, policy } => {
            explain::explain(context, screen, package, policy.clone()).await
        }
        Command::Status => status::status(context, screen).await,
        Command::History { run, count } => {
            history::history(context, screen, run.as_deref(), *count).await
        }
        Command::Quarantine { command } => {
            quarantine::quarantine(context, screen, command.as_ref()).await
        }
        Command::Feeds { command } => feeds::feeds(context, screen, command.as_ref()).await,
        Command::Logs { run, follow } => logs::logs(context, run.as_deref(), *follow).await,
        Command::Schedule { name, from, count } => {
            schedule::schedule(context, screen, name.clone(), from.as_deref(), *count).await
        }
        Command::Cancel => act::order(context, screen, Action::Cancel).await,
        Command::Pause { reason } => {
            let reason = reason.clone();
            act::order(context, screen, Action::Pause { reason }).await
        }
        Command::Resume => act::order(context, screen, Action::Resume).await,
        Command::Notify {
            command: NotifyCommand::Test { name },
        } => {
            let receiver = name.clone();
            act::order(context, screen, Action::TestNotification { receiver }).await
        }
        Command::Reload => act::order(context, screen, Action::Reload).await,
        Command::Takeover { undo } => takeover::takeover(context, screen, *undo).await,
        Command::Config { command } => config::config(context, screen, command),
        Command::Doctor => doctor::doctor(context, screen).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Arguments::command(), "patchd", &mut script);
            Screen::raw(&script);
            Ok(ExitCode::Success)
        }
        // Answered before anything else was started.
        Command::Daemon
        | Command::Worker
        | Command::Net
        | Command::Feed
        | Command::Jail { .. }
        | Command::TransactionGuard { .. }
        | Command::RehearsalInside
        | Command::RehearsalStandIn { .. } => Ok(ExitCode::Usage),
    }
}
