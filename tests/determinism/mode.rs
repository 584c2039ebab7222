//! The floating-point mode of the calling thread, as a program that uses the library may set it.

/// What programs set: subnormals flushed to zero and read as zero (fast-math start-up code does
/// so), and rounding toward zero (interval arithmetic).
#[cfg(target_arch = "x86_64")]
pub(crate) const MODES: [u64; 2] = [0x1f80 | 0x8040, 0x1f80 | 0x6000];
#[cfg(target_arch = "aarch64")]
pub(crate) const MODES: [u64; 2] = [1 << 24, 3 << 22];
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(crate) const MODES: [u64; 0] = [];

/// Runs `body` in a mode. Returns what it returned, and the mode that it left.
pub(crate) fn within<T>(mode: u64, body: impl FnOnce() -> T) -> (T, u64) {
    let before = read();
    write(mode);
    let result = std::hint::black_box(body());
    let after = read();
    write(before);
    (result, after)
}

#[cfg(target_arch = "x86_64")]
fn read() -> u64 {
    let mut mode = 0u32;
    // SAFETY: stores the SSE control register to a local.
    unsafe { std::arch::asm!("stmxcsr [{}]", in(reg) &raw mut mode, options(nostack)) };
    // Without the sticky exception flags.
    u64::from(mode & !0x3f)
}

#[cfg(target_arch = "x86_64")]
fn write(mode: u64) {
    let mode = mode as u32;
    // SAFETY: a legal mode with every exception masked; `within` puts the old one back.
    unsafe { std::arch::asm!("ldmxcsr [{}]", in(reg) &raw const mode, options(nostack)) };
}

#[cfg(target_arch = "aarch64")]
fn read() -> u64 {
    let mode: u64;
    // SAFETY: reads the floating-point control register.
    unsafe { std::arch::asm!("mrs {}, fpcr", out(reg) mode, options(nostack)) };
    mode
}

#[cfg(target_arch = "aarch64")]
fn write(mode: u64) {
    // SAFETY: a legal mode with every exception masked; `within` puts the old one back.
    unsafe { std::arch::asm!("msr fpcr, {}", in(reg) mode, options(nostack)) };
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn read() -> u64 {
    0
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn write(_: u64) {}
