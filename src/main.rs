//! The binary: hands over to the command line, which reads the arguments and sets the exit code.

/// A proxy allocates small things on every core at once: the system's allocator costs several microseconds a request.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    gatepass::cli::main()
}
