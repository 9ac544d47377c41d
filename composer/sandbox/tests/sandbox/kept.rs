//! The root that one sandbox had is kept for the next, and nobody can tell: it is always that of the layers, the mount
//! points and the user that were asked for.

use std::fs;
use std::path::{Path, PathBuf};

use xsc_sandbox::{MountMode, Sandbox};

use crate::support::{Case, User, public_dir, runner, stage, users};

/// Runs the script in a sandbox whose topmost layers are these; what it printed.
fn run(sandbox: &Sandbox, user: User, layers: &[PathBuf], script: &str) -> String {
    let mut case = Case::new(user, script);
    case.spec.root = [layers, &[stage().root.clone()]].concat();
    case.output_in(sandbox)
}

/// A layer whose one file says `text`.
fn layer(dir: &Path, text: &str) -> PathBuf {
    let layer = dir.join(text);
    fs::create_dir(&layer).unwrap();
    fs::write(layer.join("said"), text).unwrap();
    layer
}

/// The numbers of the file systems that sandboxes with these layers have as roots at the same time: later, the number of
/// one that is gone is used again.
fn devices<const N: usize>(sandbox: &Sandbox, user: User, layers: [&PathBuf; N]) -> [String; N] {
    std::thread::scope(|scope| {
        let all = layers.map(|layer| {
            let layers = std::slice::from_ref(layer);
            scope.spawn(|| run(sandbox, user, layers, "stat -c %d /; sleep 1"))
        });
        all.map(|thread| thread.join().unwrap())
    })
}

#[test]
fn sandboxes_with_the_same_layers_share_a_root() {
    for user in users() {
        let sandbox = Sandbox::new(runner(user));
        let temp = public_dir();
        let (one, other) = (layer(temp.path(), "one"), layer(temp.path(), "other"));
        // It is made for who asks again, beside that one's sandbox.
        let shared = (0..10).any(|_| {
            let [first, second, third] = devices(&sandbox, user, [&one, &one, &other]);
            assert_ne!(first, third, "as {user:?}");
            first == second
        });
        assert!(shared, "as {user:?}");
    }
}

#[test]
fn a_root_stays_while_a_sandbox_has_it() {
    for user in users() {
        let sandbox = Sandbox::new(runner(user));
        let temp = public_dir();
        let mine = layer(temp.path(), "mine");
        let others: Vec<PathBuf> = (0..12)
            .map(|number| layer(temp.path(), &number.to_string()))
            .collect();
        for _ in 0..4 {
            run(&sandbox, user, std::slice::from_ref(&mine), "true");
        }
        // A mount point in a directory of the layer's makes the kernel read several layers for a listing.
        let look = "look() { ls / /usr /etc; echo /usr/bin/b*; cat /said /etc/group; }; look";
        let script = format!(
            "{look} > before; until [ -e go ]; do sleep 0.1; done
            [ \"$(look)\" = \"$(cat before)\" ] && echo same"
        );
        let mut case = Case::new(user, &script);
        case.spec.root = vec![mine.clone(), stage().root.clone()];
        let go = case.spec.scratch.join("build/go");
        std::thread::scope(|scope| {
            let long = scope.spawn(|| case.output_in(&sandbox));
            while !case.spec.scratch.join("build/before").exists() {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            // More than are kept, and each often enough to be kept.
            for _ in 0..4 {
                for other in &others {
                    run(&sandbox, user, std::slice::from_ref(other), "true");
                }
            }
            fs::write(&go, "").unwrap();
            assert_eq!(long.join().unwrap(), "same\n", "as {user:?}");
        });
    }
}

#[test]
fn a_root_is_always_the_one_that_was_asked_for() {
    for user in users() {
        let sandbox = Sandbox::new(runner(user));
        let temp = public_dir();
        let say = |layers: &[PathBuf]| run(&sandbox, user, layers, "cat /said");
        // More than are kept, and then those again that had to go.
        let many: Vec<PathBuf> = (0..12)
            .map(|number| layer(temp.path(), &number.to_string()))
            .collect();
        for _ in 0..4 {
            for (number, layer) in many.iter().enumerate() {
                assert_eq!(say(std::slice::from_ref(layer)), number.to_string());
            }
        }
        // The order of layers matters.
        assert_eq!(say(&[many[3].clone(), many[4].clone()]), "3");
        assert_eq!(say(&[many[4].clone(), many[3].clone()]), "4");
        // Another directory in the place of one that was a layer.
        fs::rename(&many[5], temp.path().join("away")).unwrap();
        fs::rename(&many[6], &many[5]).unwrap();
        assert_eq!(say(&[many[5].clone()]), "6");
    }
}

#[test]
fn mount_points_and_user_belong_to_a_root() {
    for user in users() {
        let sandbox = Sandbox::new(runner(user));
        let wanted = [("/one", 1000), ("/two", 1000), ("/one", 4711)];
        for (at, uid) in std::iter::repeat_n(wanted, 4).flatten() {
            let mut case = Case::new(
                user,
                "cat /*/file; ls -d /one /two 2> /dev/null; id -u; id -nu",
            );
            case.mount(at, MountMode::ReadOnly);
            case.spec.surroundings.uid = uid;
            let expected = format!("original\n{at}\n{uid}\nbuilder\n");
            assert_eq!(case.output_in(&sandbox), expected, "as {user:?}");
        }
    }
}

#[test]
fn nothing_can_be_left_in_what_is_kept() {
    for user in users() {
        let sandbox = Sandbox::new(runner(user));
        for _ in 0..4 {
            run(&sandbox, user, &[], "true");
        }
        let script = "for place in / /usr/bin /dev /etc; do
                touch $place/left 2> /dev/null && echo wrote $place
                chmod 777 $place 2> /dev/null && echo changed $place
            done
            touch /dev/shm/left /tmp/left && echo own";
        assert_eq!(run(&sandbox, user, &[], script), "own\n", "as {user:?}");
        let look = "ls -A /dev/shm /tmp; ls /dev";
        let seen = "/dev/shm:\n\n/tmp:\nfd\nfull\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\nzero\n";
        assert_eq!(run(&sandbox, user, &[], look), seen, "as {user:?}");
    }
}
