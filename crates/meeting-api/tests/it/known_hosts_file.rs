//! R4: the file is the old one or the new one at every moment, whoever writes and whoever dies.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Barrier, LazyLock};

use meeting_api::known_hosts::{Host, HostKeys, KnownHostsRefused};
use meeting_api::{KnownHostsFile, KnownHostsFileError, SigningKey};

const MINE: &str = "# mine\nother.example.org ssh-ed25519 AAAA\n";

fn host(name: &str) -> Vec<Host> {
    vec![Host::new(name, 22).unwrap()]
}

fn line(name: &str, seed: u8) -> String {
    static KEYS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let key = |seed| SigningKey::ed25519_from_seed(&[seed; 32], "").unwrap().public_key().to_string();
        (0..6).map(key).collect()
    });
    format!("{name} {}\n", KEYS[usize::from(seed)])
}

fn offer(name: &str, seeds: &[u8]) -> HostKeys {
    let text: String = seeds.iter().map(|seed| line(name, *seed)).collect();
    HostKeys::parse(&text, &host(name)).unwrap()
}

fn update(path: &Path, name: &str, seeds: &[u8]) -> Result<bool, KnownHostsFileError> {
    KnownHostsFile::new(path).update(&host(name), &offer(name, seeds), false).map(|merged| merged.changed)
}

#[test]
fn a_new_file_is_made_with_its_directory() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ssh/known_hosts");
    assert!(update(&path, "a.example.org", &[1]).unwrap());
    assert_eq!(fs::read_to_string(&path).unwrap(), line("a.example.org", 1));
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o644);
    assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o777, 0o700);
    assert!(!update(&path, "a.example.org", &[1]).unwrap());
}

#[test]
fn mode_and_links_stay() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("real");
    fs::write(&path, MINE).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let link = directory.path().join("known_hosts");
    symlink(&path, &link).unwrap();
    assert!(update(&link, "a.example.org", &[1]).unwrap());
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&path).unwrap(), MINE.to_owned() + &line("a.example.org", 1));
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    let names: Vec<String> = fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names.len(), 3, "{names:?}");
}

#[test]
fn what_is_no_file_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let refused =
        |path: &Path| matches!(update(path, "a.example.org", &[1]), Err(KnownHostsFileError::NotAFile));
    assert!(refused(directory.path()));
    assert!(refused(Path::new("/dev/null")));
    let link = directory.path().join("null");
    symlink("/dev/null", &link).unwrap();
    assert!(refused(&link));
    let dangling = directory.path().join("dangling");
    symlink(directory.path().join("nowhere"), &dangling).unwrap();
    assert!(matches!(update(&dangling, "a.example.org", &[1]), Err(KnownHostsFileError::Io(_))));
    assert!(fs::symlink_metadata(&dangling).unwrap().is_symlink());
}

#[test]
fn a_refusal_leaves_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("known_hosts");
    fs::write(&path, line("a.example.org", 1)).unwrap();
    let inode = fs::metadata(&path).unwrap().ino();
    let refused = update(&path, "a.example.org", &[2]).unwrap_err();
    assert!(matches!(refused, KnownHostsFileError::Refused(KnownHostsRefused::FullChange)));
    assert!(!update(&path, "a.example.org", &[1]).unwrap());
    assert_eq!(fs::metadata(&path).unwrap().ino(), inode);
}

#[test]
fn the_leftovers_of_a_crash_are_no_obstacle() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("known_hosts");
    let victim = directory.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    symlink(&victim, directory.path().join("known_hosts.new")).unwrap();
    assert!(update(&path, "a.example.org", &[1]).unwrap());
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    assert!(!fs::symlink_metadata(&path).unwrap().is_symlink());
}

/// R4: 8 writers at once, each with a host of its own; nothing is lost, and no reader sees a torn file.
#[test]
fn r4_eight_writers_lose_nothing() {
    const ROUNDS: usize = 11;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("known_hosts");
    fs::write(&path, MINE).unwrap();
    let (start, done) = (Barrier::new(9), AtomicBool::new(false));
    let whole = |text: &str| {
        text.starts_with(MINE)
            && text.ends_with('\n')
            && text[MINE.len()..].lines().all(|line| line.len() > 70)
    };
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..8_u8)
            .map(|writer| {
                let (path, start) = (&path, &start);
                scope.spawn(move || {
                    let name = format!("host{writer}.example.org");
                    start.wait();
                    for round in 0..ROUNDS {
                        let seeds = if round % 2 == 0 { [1, 2] } else { [1, 3] };
                        assert!(update(path, &name, &seeds).unwrap());
                    }
                })
            })
            .collect();
        let reader = scope.spawn(|| {
            start.wait();
            let mut reads = 0;
            while !done.load(Ordering::Relaxed) {
                assert!(whole(&fs::read_to_string(&path).unwrap()));
                reads += 1;
            }
            reads
        });
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
        assert!(reader.join().unwrap() > 0);
    });
    let text = fs::read_to_string(&path).unwrap();
    assert!(whole(&text));
    // Every writer's last round (an even one) is there, and nothing else.
    assert_eq!(text.lines().count(), 2 + 8 * 2);
    for writer in 0..8 {
        let name = format!("host{writer}.example.org");
        assert!(
            text.contains(&line(&name, 1))
                && text.contains(&line(&name, 2))
                && !text.contains(&line(&name, 3))
        );
    }
}

const CHILD: &str = "MEETING_API_TEST_KNOWN_HOSTS";
const ROUNDS: &str = "MEETING_API_TEST_KILL_ROUNDS";

/// The process that is killed: it changes the file back and forth until it dies, and says so each time.
#[test]
fn child_that_writes_until_killed() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    for round in 0.. {
        let seeds: &[u8] = if round % 2 == 0 { &[1, 2] } else { &[1, 3, 4] };
        update(Path::new(&path), "a.example.org", seeds).unwrap();
        println!("round");
    }
}

/// R4: kill -9 in the middle of updates, 30 times, or as often as `MEETING_API_TEST_KILL_ROUNDS` says.
#[test]
fn r4_kill_9_leaves_the_old_file_or_the_new_one() {
    let rounds: usize = std::env::var(ROUNDS).map_or(30, |rounds| rounds.parse().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("known_hosts");
    let first = MINE.to_owned() + &line("a.example.org", 1);
    fs::write(&path, &first).unwrap();
    let states = [
        first.clone(),
        first.clone() + &line("a.example.org", 2),
        first + &line("a.example.org", 3) + &line("a.example.org", 4),
    ];
    let mut seen = [0_usize; 3];
    for round in 0..rounds {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "known_hosts_file::child_that_writes_until_killed", "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // The kill falls somewhere into the update after the one that is announced.
        let before = 1 + round % 7;
        let mut announced = 0;
        while announced < before {
            announced += usize::from(lines.next().unwrap().unwrap().contains("round"));
        }
        for _ in 0..(round * 37) % 4001 {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let state = states.iter().position(|state| *state == text);
        seen[state.unwrap_or_else(|| panic!("torn in round {round}: {text:?}"))] += 1;
    }
    assert_eq!(seen[0], 0);
    assert_eq!(seen[1] + seen[2], rounds);
    // And the next writer goes on as if nothing had happened.
    assert!(update(&path, "a.example.org", &[1, 5]).unwrap());
}
