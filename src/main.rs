//! The program `audit`.

fn main() -> std::process::ExitCode {
    std::process::ExitCode::from(u8::try_from(audit::run::main()).unwrap_or(2))
}
