//! Answers of a thread outside of the runtime to the tasks that wait for them.
//!
//! Such a thread that wakes a task puts it into the queue of all threads of the runtime and wakes one of them, which then wakes
//! another one in search of more tasks. Instead, a byte on a socket wakes the one that waits for sockets, once for a group of
//! answers, and it finds the tasks in its own queue: fewer threads are woken, which costs more than all else when few calls run.

use std::io::{self, Write as _};
use std::os::unix::net::UnixStream as Socket;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::AsyncReadExt as _;
use tokio::net::UnixStream;
use tokio::sync::oneshot;

/// An answer and the channel of the task that waits for it.
pub(super) type Answer<T> = (oneshot::Sender<T>, T);

/// Sends answers to tasks.
pub(super) struct Answers<T> {
    pending: Arc<Pending<T>>,
    socket: Socket,
}

/// Answers that have not been delivered.
struct Pending<T>(Mutex<State<T>>);

struct State<T> {
    answers: Vec<Answer<T>>,
    /// Whether the task that delivers answers has ended with its runtime.
    ended: bool,
}

impl<T: Send + 'static> Answers<T> {
    /// Starts the task that delivers answers, on the current runtime.
    ///
    /// # Errors
    /// If the sockets cannot be created.
    pub(super) fn new() -> io::Result<Self> {
        let (socket, receiver) = Socket::pair()?;
        socket.set_nonblocking(true)?;
        receiver.set_nonblocking(true)?;
        let receiver = UnixStream::from_std(receiver)?;
        let pending = Arc::new(Pending(Mutex::new(State { answers: Vec::new(), ended: false })));
        tokio::spawn(deliver(receiver, End(Arc::clone(&pending))));
        Ok(Self { pending, socket })
    }

    /// Sends answers. Those whose task is gone are dropped.
    pub(super) fn send(&self, mut answers: Vec<Answer<T>>) {
        let is_first = {
            let mut state = self.pending.lock();
            if state.ended {
                drop(state);
                return give(answers);
            }
            let is_first = state.answers.is_empty() && !answers.is_empty();
            state.answers.append(&mut answers);
            is_first
        };
        if is_first {
            // The socket has room for a byte, since the one before has been read. Fails only if the task has ended, which delivers what
            // is left.
            let _ = (&self.socket).write(&[0]);
        }
    }
}

impl<T> Pending<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Vec<Answer<T>> {
        std::mem::take(&mut self.lock().answers)
    }
}

/// Delivers answers until the sender is dropped.
async fn deliver<T>(mut receiver: UnixStream, end: End<T>) {
    while receiver.read(&mut [0; 16]).await.is_ok_and(|count| count > 0) {
        give(end.0.take());
    }
}

/// Delivers what is left when the task ends. Later answers are delivered by their sender.
struct End<T>(Arc<Pending<T>>);

impl<T> Drop for End<T> {
    fn drop(&mut self) {
        let left = {
            let mut state = self.0.lock();
            state.ended = true;
            std::mem::take(&mut state.answers)
        };
        give(left);
    }
}

fn give<T>(answers: Vec<Answer<T>>) {
    for (task, answer) in answers {
        // Fails only if the task is gone.
        let _ = task.send(answer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(count: usize) -> (Vec<Answer<usize>>, Vec<oneshot::Receiver<usize>>) {
        (0..count)
            .map(|number| (number, oneshot::channel()))
            .map(|(number, (task, reply))| ((task, number), reply))
            .unzip()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn every_task_gets_its_answer() {
        let sender = Arc::new(Answers::new().unwrap());
        for _ in 0..200 {
            let (mut sent, replies) = answers(7);
            let (last, sender) = (sent.split_off(3), Arc::clone(&sender));
            let thread = std::thread::spawn(move || {
                sender.send(sent);
                sender.send(last);
            });
            for (number, reply) in replies.into_iter().enumerate() {
                assert_eq!(reply.await, Ok(number));
            }
            thread.join().unwrap();
        }
    }

    #[test]
    fn answers_arrive_after_the_end_of_the_runtime() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let sender = runtime.block_on(async { Answers::new() }).unwrap();
        drop(runtime);
        let (sent, replies) = answers(3);
        sender.send(sent);
        for (number, mut reply) in replies.into_iter().enumerate() {
            assert_eq!(reply.try_recv(), Ok(number));
        }
    }

    #[tokio::test]
    async fn answers_arrive_after_the_sender_is_dropped() {
        let sender = Answers::new().unwrap();
        let (sent, replies) = answers(3);
        sender.send(sent);
        drop(sender);
        for (number, reply) in replies.into_iter().enumerate() {
            assert_eq!(reply.await, Ok(number));
        }
    }
}
