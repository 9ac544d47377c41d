//! The root that one sandbox had is kept for the next, and nobody can tell: it is always that of the layers, the mount
//! points and the user that were asked for.

use std::fs;
use std::path::{Path, PathBuf};

use xsc_sandbox::{MountMode, Outcome, Sandbox};

use crate::support::{Case, User, chain, public_dir, runner, stage, users};

/// Runs the script in a sandbox whose topmost layers are these; what it printed.
fn run(sandbox: &Sandbox, user: User, layers: &[PathBuf], script: &str) -> String {
    let mut case = Case::new(user, script);
    case.spec.root = [layers, &[stage().root.clone()]].concat();
    output(sandbox, &case)
}

fn output(sandbox: &Sandbox, case: &Case) -> String {
    let ran = case
        .try_run_in(sandbox)
        .unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert_eq!(ran.outcome, Outcome::Exited(0), "{}", ran.log);
    ran.log
}

/// A layer whose one file says `text`.
fn layer(dir: &Path, text: &str) -> PathBuf {
    let layer = dir.join(text);
    fs::create_dir(&layer).unwrap();
    fs::write(layer.join("said"), text).unwrap();
    layer
}

#[test]
fn sandboxes_with_the_same_layers_share_a_root() {
    for user in users() {
        let sandbox = Sandbox::new(runner(user));
        let temp = public_dir();
        let (one, other) = (layer(temp.path(), "one"), layer(temp.path(), "other"));
        // At the same time, as the number of a file system that is gone is used again.
        let devices: Vec<String> = std::thread::scope(|scope| {
            let layers = [&one, &one, &other];
            let all = layers.map(|layer| {
                let layers = std::slice::from_ref(layer);
                scope.spawn(|| run(&sandbox, user, layers, "stat -c %d /; sleep 1"))
            });
            all.map(|thread| thread.join().unwrap()).into()
        });
        assert_eq!(devices[0], devices[1], "as {user:?}");
        assert_ne!(devices[0], devices[2], "as {user:?}");
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
        for _ in 0..2 {
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
        for (at, uid) in [("/one", 1000), ("/two", 1000), ("/one", 4711)] {
            let mut case = Case::new(
                user,
                "cat /*/file; ls -d /one /two 2> /dev/null; id -u; id -nu",
            );
            case.mount(at, MountMode::ReadOnly);
            case.spec.surroundings.uid = uid;
            let expected = format!("original\n{at}\n{uid}\nbuilder\n");
            // `ls` fails for the one that is not there.
            assert_eq!(output(&sandbox, &case), expected, "as {user:?}");
        }
    }
}

#[test]
fn nothing_can_be_left_in_what_is_kept() {
    for user in users() {
        let sandbox = Sandbox::new(runner(user));
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
