//! The program `patchd`.

fn main() -> std::process::ExitCode {
    patchd::cli::main()
}
