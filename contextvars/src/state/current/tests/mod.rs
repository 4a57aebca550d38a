use std::sync::mpsc;
use std::thread;

use super::{more_identities, thread_mark};

#[test]
fn runs_of_identities_hold_some_and_do_not_overlap() {
    // Other tests take runs meanwhile, which lie between these.
    let runs: Vec<_> = (0..3).map(|_| more_identities()).collect();
    assert!(runs.iter().all(|(first, end)| (1..*end).contains(first)));
    assert!(runs.windows(2).all(|pair| pair[0].1 <= pair[1].0));
}

#[test]
fn threads_that_live_at_the_same_time_have_marks_of_their_own() {
    let (tell, told) = mpsc::channel();
    let (end, ended) = mpsc::channel::<()>();
    let other = thread::spawn(move || {
        tell.send(thread_mark()).unwrap();
        ended.recv().unwrap_err();
    });
    let marks = (thread_mark(), told.recv().unwrap());
    assert!(marks.0 != marks.1 && marks.0 != 0 && marks.1 != 0);
    assert_eq!(marks.0, thread_mark());
    drop(end);
    other.join().unwrap();
}

mod disorder;
