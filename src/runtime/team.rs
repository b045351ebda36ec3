//! Sharing the tasks of one step after another among threads, at less than a microsecond a step.
//!
//! A run has one leader, which walks the schedule, and helpers, which are jobs of the current rayon pool that live as long as the
//! run. The leader publishes a step's tasks; whoever is there takes them one by one; the leader goes on when all are done. Nobody waits
//! for a helper that has not come: where the pool is busy with other runs the leader does everything itself, so no run can block
//! another. Which thread does a task changes no bit, since tasks are cut by shape and write apart.
//!
//! The leader takes tasks from the first on, helpers from the last on. Tasks are neighbouring rows in order, so of two threads each finds in
//! its own cache most of what it wrote in the step before; taken in turns, half of it would be in the other's.
//!
//! `rayon::join` for each step would do the same, but wakes a sleeping thread each time, which takes longer than many a step.
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};

/// Turns of looking for work before a helper offers its processor to others.
const SPINS: usize = 4000;

/// The lower half of `next` where no task may be taken.
const CLOSED: u64 = u32::MAX as u64;

/// One task taken from the end, in `next`; one taken from the beginning is 1.
const FROM_END: u64 = 1 << 16;

/// Tasks that a step may have, at most: each of the counts is below this.
const MOST_TASKS: usize = 1 << 15;

/// What the members of a team share.
#[derive(Debug, Default)]
pub struct Team {
    /// The step's number in the upper half; in the lower one how many tasks were taken from the end and how many from the beginning, each in
    /// sixteen bits ([`CLOSED`] between steps).
    next: AtomicU64,
    /// The step's work: its closure and the function that calls it, valid until all its tasks are done.
    work: AtomicPtr<()>,
    call: AtomicPtr<()>,
    tasks: AtomicUsize,
    /// Tasks of the step that are done.
    done: AtomicUsize,
    /// The run is over.
    over: AtomicBool,
    /// A task panicked.
    failed: AtomicBool,
}

/// Calls the closure behind the pointer for one task.
///
/// # Safety
/// The pointer is one to the closure that the function was made for, which lives until the call returns.
type Call = unsafe fn(*const (), usize);

/// The [`Call`] of closures of this type.
///
/// # Safety
/// `work` points to an `F` that lives until the call returns.
unsafe fn call<F: Fn(usize) + Sync>(work: *const (), task: usize) {
    // SAFETY: the caller's contract; threads may share an `F`, since it is `Sync`.
    unsafe { (*work.cast::<F>())(task) }
}

/// Says that the run is over when the leader leaves it, by a panic too.
struct Over<'a>(&'a Team);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::Release);
    }
}

/// Counts a task as done when it ends, by a panic too.
struct Done<'a>(&'a Team);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.failed.store(true, Ordering::Relaxed);
        }
        self.0.done.fetch_add(1, Ordering::Release);
    }
}

impl Team {
    /// Runs `lead` with a team of up to `threads` threads of the current pool, the caller included.
    pub fn run<R: Send>(threads: usize, lead: impl FnOnce(&Team) -> R + Send) -> R {
        let team = Team::default();
        team.spread(threads.saturating_sub(1), lead)
    }

    /// The leader's work beside that many helpers. (A `join` allocates nothing, a `spawn` does.)
    fn spread<R: Send>(&self, helpers: usize, lead: impl FnOnce(&Team) -> R + Send) -> R {
        if helpers == 0 {
            let _over = Over(self);
            return lead(self);
        }
        rayon::join(|| self.spread(helpers - 1, lead), || self.help()).0
    }

    /// Does tasks `0..tasks`, on the leader's thread and those of the helpers that are there. Only the leader calls it, and not from a task.
    pub(crate) fn share<F: Fn(usize) + Sync>(&self, tasks: usize, work: &F) {
        if tasks <= 1 || tasks > MOST_TASKS {
            (0..tasks).for_each(work);
            return;
        }
        // Nobody takes a task of a closed step, whatever they have read of the next one; whoever reads what is stored after the
        // closing (acquired, as it is released) sees the step closed.
        let step = (self.next.load(Ordering::Relaxed) >> 32) + 1;
        self.next.store((step << 32) | CLOSED, Ordering::Release);
        let closure = std::ptr::from_ref(work).cast_mut().cast();
        self.work.store(closure, Ordering::Release);
        let function: Call = call::<F>;
        self.call.store(function as *mut (), Ordering::Release);
        self.tasks.store(tasks, Ordering::Release);
        self.done.store(0, Ordering::Release);
        self.next.store(step << 32, Ordering::Release);
        // All tasks are waited for before the closure's life may end, also where one of the leader's own panics.
        let all = AllDone { team: self, tasks };
        while self.take(true) {}
        drop(all);
        if self.failed.load(Ordering::Relaxed) {
            panic!("a task of this step panicked");
        }
    }

    /// Takes a task of the current step, the first that is left or the last, and does it; false where none is left.
    fn take(&self, first: bool) -> bool {
        let seen = self.next.load(Ordering::Acquire);
        let (begin, end) = counts(seen);
        let work = self.work.load(Ordering::Acquire);
        let function = self.call.load(Ordering::Acquire);
        let tasks = self.tasks.load(Ordering::Acquire);
        if seen & CLOSED == CLOSED || begin + end >= tasks {
            return false;
        }
        let (task, taken) = match first {
            true => (begin, 1),
            false => (tasks - 1 - end, FROM_END),
        };
        // Where `next` is still as seen, its step was not closed yet, so `work`, `call` and `tasks` are of that step.
        let taken =
            self.next
                .compare_exchange(seen, seen + taken, Ordering::AcqRel, Ordering::Relaxed);
        if taken.is_err() {
            return true;
        }
        let _done = Done(self);
        // SAFETY: `call` holds a `Call` wherever a step was published, together with the closure it was made for; the closure lives
        // until this task is counted as done.
        unsafe { std::mem::transmute::<*mut (), Call>(function)(work, task) };
        true
    }

    /// A helper's life: takes tasks of whatever step is current until the run is over.
    fn help(&self) {
        let mut idle = 0_usize;
        while !self.over.load(Ordering::Acquire) {
            if self.take(false) {
                idle = 0;
            } else if idle < SPINS {
                idle += 1;
                std::hint::spin_loop();
            } else {
                std::thread::yield_now();
            }
        }
    }
}

/// How many tasks were taken from the beginning and from the end, of a step that is not closed.
fn counts(next: u64) -> (usize, usize) {
    let count = |bits: u64| (bits % FROM_END) as usize;
    (count(next), count(next >> 16))
}

/// Waits until all tasks of a step are done.
struct AllDone<'a> {
    team: &'a Team,
    tasks: usize,
}

impl Drop for AllDone<'_> {
    fn drop(&mut self) {
        // Tasks that nobody took (after a panic of the leader) are taken from the list.
        let mut missing = 0;
        if std::thread::panicking() {
            let seen = self.team.next.fetch_or(CLOSED, Ordering::AcqRel);
            let (begin, end) = counts(seen);
            missing = self.tasks.saturating_sub(begin + end);
        }
        let mut turns = 0_usize;
        while self.team.done.load(Ordering::Acquire) + missing < self.tasks {
            turns += 1;
            if turns < SPINS {
                std::hint::spin_loop();
            } else {
                std::thread::yield_now();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Team;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn pool(threads: usize) -> rayon::ThreadPool {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("threads")
    }

    #[test]
    fn every_task_of_every_step_runs_once() {
        for threads in [1, 2, 3, 8] {
            let steps: usize = if cfg!(miri) { 30 } else { 2000 };
            let counts: Vec<AtomicU32> = (0..steps * 5).map(|_| AtomicU32::new(0)).collect();
            pool(threads).install(|| {
                Team::run(threads, |team| {
                    for step in 0..steps {
                        team.share(1 + step % 5, &|task| {
                            counts[step * 5 + task].fetch_add(1, Ordering::Relaxed);
                        });
                        // All are done before the next step begins.
                        let done = |task: usize| counts[step * 5 + task].load(Ordering::Relaxed);
                        assert!((0..1 + step % 5).all(|task| done(task) == 1));
                    }
                });
            });
            let total: u32 = counts.iter().map(|c| c.load(Ordering::Relaxed)).sum();
            assert_eq!(
                total as usize,
                (0..steps).map(|step| 1 + step % 5).sum::<usize>()
            );
        }
    }

    /// Memory that tasks write in turn, without atomics: the team alone orders it.
    struct Plain(*mut u64);
    // SAFETY: in a step each task writes a place of its own, and reads places that no task of that step writes.
    unsafe impl Sync for Plain {}

    impl Plain {
        fn copy(&self, from: usize, to: usize) {
            // So long that helpers come too.
            (0..300).for_each(|_| std::hint::spin_loop());
            // SAFETY: both lie within the test's 64 numbers.
            unsafe { *self.0.add(to) = (*self.0.add(from)).wrapping_add(1) };
        }
    }

    #[test]
    fn a_step_sees_what_the_one_before_has_written() {
        let steps: usize = if cfg!(miri) { 30 } else { 2000 };
        for threads in [1, 2, 4] {
            let mut numbers = [0_u64; 64];
            let plain = Plain(numbers.as_mut_ptr());
            let plain = &plain;
            pool(threads).install(|| {
                Team::run(threads, |team| {
                    for step in 0..steps {
                        // From one half to the other, another place each time.
                        let (old, new) = (32 * ((step + 1) % 2), 32 * (step % 2));
                        team.share(4, &|task| {
                            plain.copy(old + (task + step) % 4, new + task);
                        });
                    }
                });
            });
            let last = 32 * ((steps - 1) % 2);
            assert_eq!(numbers[last..last + 4], [steps as u64; 4]);
        }
    }

    #[test]
    fn teams_in_one_pool_do_not_block_each_other() {
        let pool = pool(2);
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    let sum = AtomicU32::new(0);
                    pool.install(|| {
                        Team::run(2, |team| {
                            for _ in 0..50 {
                                team.share(4, &|task| {
                                    sum.fetch_add(task as u32, Ordering::Relaxed);
                                });
                            }
                        });
                    });
                    assert_eq!(sum.into_inner(), 300);
                });
            }
        });
    }

    #[test]
    fn a_panic_of_a_task_reaches_the_caller_and_leaves_the_pool_usable() {
        let pool = pool(2);
        for bad in 0..4 {
            let share = std::panic::AssertUnwindSafe(|| {
                pool.install(|| {
                    Team::run(2, |team| {
                        team.share(4, &|task| assert!(task != bad, "task {task}"));
                    });
                });
            });
            assert!(std::panic::catch_unwind(share).is_err());
        }
        assert_eq!(pool.install(|| rayon::join(|| 1, || 2)), (1, 2));
    }
}
