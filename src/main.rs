//! The program `audit`.

fn main() -> std::process::ExitCode {
    std::process::ExitCode::from(audit::run::main())
}
