//! The floating-point mode: kernels run in the default mode, and the mode of the caller is restored.

/// Holds the mode of the caller and restores it when dropped.
pub(crate) struct DefaultMode(u64);

impl DefaultMode {
    /// Round to nearest, subnormals kept, exceptions masked: from here to the drop.
    pub(crate) fn enter() -> DefaultMode {
        let before = read();
        if before != DEFAULT {
            write(DEFAULT);
        }
        DefaultMode(before)
    }
}

impl Drop for DefaultMode {
    fn drop(&mut self) {
        if self.0 != DEFAULT {
            write(self.0);
        }
    }
}

#[cfg(target_arch = "x86_64")]
const DEFAULT: u64 = 0x1f80;
#[cfg(not(target_arch = "x86_64"))]
const DEFAULT: u64 = 0;

#[cfg(target_arch = "x86_64")]
fn read() -> u64 {
    let mut mode = 0u32;
    // SAFETY: stores the SSE control register to a local; SSE2 is part of x86-64.
    unsafe { std::arch::asm!("stmxcsr [{}]", in(reg) &raw mut mode, options(nostack, preserves_flags)) };
    // The sticky exception flags are not part of the mode.
    u64::from(mode & !0x3f)
}

#[cfg(target_arch = "x86_64")]
fn write(mode: u64) {
    let mode = mode as u32;
    // SAFETY: loads a value that `read` returned, or the default, into the SSE control register.
    unsafe { std::arch::asm!("ldmxcsr [{}]", in(reg) &raw const mode, options(nostack, preserves_flags)) };
}

#[cfg(target_arch = "aarch64")]
fn read() -> u64 {
    let mode: u64;
    // SAFETY: reads the floating-point control register.
    unsafe { std::arch::asm!("mrs {}, fpcr", out(reg) mode, options(nostack, preserves_flags)) };
    mode
}

#[cfg(target_arch = "aarch64")]
fn write(mode: u64) {
    // SAFETY: writes a value that `read` returned, or the default.
    unsafe { std::arch::asm!("msr fpcr, {}", in(reg) mode, options(nostack, preserves_flags)) };
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn read() -> u64 {
    0
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn write(_: u64) {}
