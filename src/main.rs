//! The binary: hands over to the command line, which reads the arguments and sets the exit code.

/// A proxy allocates small things on every core at once: the system's allocator costs several microseconds a request.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    small_pages();
    gatepass::cli::main()
}

/// Has memory come in pages of 4 KiB, also where the system would rather give 2 MiB at once (`transparent_hugepage`): every
/// thread of the allocator's would take that much for the little it holds, together more than all the rest.
fn small_pages() {
    // Where the system does not allow it, the process is larger, and works.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}
