//! The worker threads of the process. They survive a fork, and nobody waits for one that is asleep.
//!
//! A job is offered to some workers, and the calling thread starts on it at once. When it is done, it withdraws
//! the job from the workers that have not taken it, and waits for the others only. A worker that the system
//! does not run in time costs the step the system call that wakes it, and nothing more.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, Thread, park, yield_now};
use std::time::{Duration, Instant};

/// How long a worker looks for the next job before it sleeps. In that time it yields its core to every other
/// thread that wants it.
const AWAKE: Duration = Duration::from_micros(50);
/// How often a thread that waits for others looks again before it yields its core.
const SPINS: u32 = 128;

/// What several threads do together.
struct Job<'a> {
    /// Called with the number of the thread: 0 for the calling one.
    work: &'a (dyn Fn(usize) + Sync),
    /// The workers that have the job or were offered it.
    holders: AtomicUsize,
    /// What the first worker panicked with.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

/// Where a worker finds its next job.
type Offer = AtomicPtr<Job<'static>>;

/// A worker thread, seen from outside.
struct Worker {
    offer: &'static Offer,
    thread: Thread,
}

/// The workers of one process.
pub(crate) struct Workers {
    /// The workers of a parent process do not exist in its child.
    process: u32,
    workers: Vec<Worker>,
}

/// The workers in use. Those that are replaced are leaked: a pointer without a lock is the only thing that a
/// fork cannot leave half-changed, and replacing is rare (a fork, or more threads than ever).
static WORKERS: AtomicPtr<Workers> = AtomicPtr::new(null_mut());

impl Workers {
    /// At least `wanted` workers of this process, started if need be; none where the system refuses a thread.
    pub(crate) fn of_process(wanted: usize) -> Option<&'static Workers> {
        let process = std::process::id();
        let current = WORKERS.load(Ordering::Acquire);
        // SAFETY: a non-null pointer comes from `Box::leak` below and is never freed.
        if let Some(workers) = unsafe { current.as_ref() }
            && workers.process == process
            && workers.workers.len() >= wanted
        {
            return Some(workers);
        }
        let workers = (0..wanted).map(start).collect::<Option<Vec<Worker>>>()?;
        let fresh: &Workers = Box::leak(Box::new(Workers { process, workers }));
        // Where another thread was faster, its workers may be fewer, so this call uses its own.
        let replaced = std::ptr::from_ref(fresh).cast_mut();
        let _ = WORKERS.compare_exchange(current, replaced, Ordering::AcqRel, Ordering::Acquire);
        Some(fresh)
    }

    /// Calls `work` with 0 on this thread, and with the numbers from 1 to `n` on as many workers as are free and
    /// awake in time. A panic in a worker goes on here.
    pub(crate) fn share(&self, n: usize, work: &(dyn Fn(usize) + Sync)) {
        let job = Job { work, holders: AtomicUsize::new(0), panic: Mutex::new(None) };
        let workers = &self.workers[..n];
        let offered = Offered { job: &job, workers };
        for worker in workers {
            job.holders.fetch_add(1, Ordering::Relaxed);
            // A worker that has another thread's job is left alone.
            match worker.offer.compare_exchange(
                null_mut(),
                job.address(),
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => worker.thread.unpark(),
                Err(_) => drop(job.holders.fetch_sub(1, Ordering::Relaxed)),
            }
        }
        work(0);
        drop(offered);
        if let Some(panic) = job.panic.into_inner().unwrap_or_else(PoisonError::into_inner) {
            resume_unwind(panic);
        }
    }
}

impl Job<'_> {
    fn address(&self) -> *mut Job<'static> {
        std::ptr::from_ref(self).cast_mut().cast()
    }
}

/// A job that was offered: no worker has it any more when this is dropped, also by a panic.
struct Offered<'a> {
    job: &'a Job<'a>,
    workers: &'a [Worker],
}

impl Drop for Offered<'_> {
    fn drop(&mut self) {
        let address = self.job.address();
        for worker in self.workers {
            if worker
                .offer
                .compare_exchange(address, null_mut(), Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
            {
                self.job.holders.fetch_sub(1, Ordering::Relaxed);
            }
        }
        wait_until(|| self.job.holders.load(Ordering::Acquire) == 0);
    }
}

/// Starts the worker with number `index + 1`.
fn start(index: usize) -> Option<Worker> {
    let offer: &'static Offer = Box::leak(Box::default());
    let builder = Builder::new().name(format!("lamb-rs-{index}"));
    let handle = builder.spawn(move || serve(offer, index + 1)).ok()?;
    Some(Worker { offer, thread: handle.thread().clone() })
}

/// The life of a worker.
fn serve(offer: &'static Offer, number: usize) {
    loop {
        let looked = Instant::now();
        while offer.load(Ordering::Relaxed).is_null() {
            if looked.elapsed() < AWAKE { yield_now() } else { park() }
        }
        let job = offer.swap(null_mut(), Ordering::Acquire);
        // SAFETY: the thread that offered the job keeps it until the worker that took it lets it go.
        let Some(job) = (unsafe { job.as_ref() }) else { continue };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (job.work)(number))) {
            job.panic.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(panic);
        }
        job.holders.fetch_sub(1, Ordering::Release);
    }
}

/// Waits for other threads: a short time at work, then leaving the core to whoever wants it.
pub(crate) fn wait_until(done: impl Fn() -> bool) {
    let mut looks = 0;
    while !done() {
        looks += 1;
        if looks < SPINS { std::hint::spin_loop() } else { yield_now() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    fn own(n: usize) -> Workers {
        let workers = (0..n).map(|i| start(i).expect("the system starts a thread")).collect();
        Workers { process: std::process::id(), workers }
    }

    #[test]
    fn a_worker_that_is_busy_is_not_waited_for() {
        let workers = own(1);
        let (taken, release) = (AtomicBool::new(false), AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                workers.share(1, &|me| {
                    if me == 1 {
                        taken.store(true, Ordering::Release);
                        wait_until(|| release.load(Ordering::Acquire));
                    } else {
                        wait_until(|| taken.load(Ordering::Acquire));
                    }
                });
            });
            wait_until(|| taken.load(Ordering::Acquire));
            let calls = AtomicUsize::new(0);
            workers.share(1, &|me| {
                assert_eq!(me, 0);
                calls.fetch_add(1, Ordering::Relaxed);
            });
            assert_eq!(calls.into_inner(), 1);
            assert!(!release.swap(true, Ordering::Release));
        });
    }

    #[test]
    fn a_job_is_done_at_most_once_by_each_thread() {
        let workers = own(3);
        for n in [0, 1, 3, 2, 3] {
            for _ in 0..200 {
                let calls: Vec<AtomicUsize> = (0..4).map(|_| AtomicUsize::new(0)).collect();
                workers.share(n, &|me| {
                    calls[me].fetch_add(1, Ordering::Relaxed);
                });
                let calls: Vec<usize> = calls.into_iter().map(AtomicUsize::into_inner).collect();
                assert_eq!(calls[0], 1);
                assert!(calls[1..=n].iter().all(|&calls| calls <= 1));
                assert!(calls[n + 1..].iter().all(|&calls| calls == 0));
            }
        }
    }

    #[test]
    fn a_panic_in_a_worker_continues_in_the_caller() {
        let workers = own(1);
        let taken = AtomicBool::new(false);
        let caught = catch_unwind(AssertUnwindSafe(|| {
            workers.share(1, &|me| {
                if me == 1 {
                    taken.store(true, Ordering::Release);
                    panic!("on purpose");
                }
                wait_until(|| taken.load(Ordering::Acquire));
            });
        }));
        assert_eq!(caught.unwrap_err().downcast_ref::<&str>(), Some(&"on purpose"));
        // The worker serves the next job.
        let served = AtomicBool::new(false);
        workers.share(1, &|me| match me {
            0 => wait_until(|| served.load(Ordering::Acquire)),
            _ => served.store(true, Ordering::Release),
        });
        assert!(served.into_inner());
    }
}
