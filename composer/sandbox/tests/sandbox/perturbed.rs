//! Other surroundings than usual, for rebuilds that are to be compared: each one is seen, and nothing else changes.

use std::collections::BTreeSet;

use xsc_sandbox::{DEFAULT_CLOCK, MountMode, Surroundings};

use crate::support::{Case, users};

#[test]
fn a_command_sees_the_surroundings_it_is_given() {
    for user in users() {
        let script =
            "id -u; id -g; uname -n; umask; date +%Y; cat /etc/passwd; touch f; stat -c %a f
            touch /build/out/x && echo fine";
        let mut case = Case::new(user, script);
        case.spec.clock = DEFAULT_CLOCK - 400 * 86_400;
        case.spec.surroundings = Surroundings {
            host_name: "elsewhere.example".to_owned(),
            uid: 4321,
            gid: 8765,
            umask: 0o027,
            ..Surroundings::default()
        };
        let log = case.output();
        assert!(
            log.starts_with("4321\n8765\nelsewhere.example\n0027\n2036\nbuilder:x:4321:8765:"),
            "{log}"
        );
        assert!(log.ends_with("640\nfine\n"), "{log}");
    }
}

#[test]
fn addresses_are_fixed_unless_they_are_to_vary() {
    let script = "while read -r where _ _ _ _ what; do [ \"$what\" != '[stack]' ] || echo $where; done < /proc/self/maps";
    let stacks = |random: bool| {
        let stack = || {
            let mut case = Case::new(users()[0], script);
            case.spec.surroundings.random_addresses = random;
            case.output()
        };
        (0..3).map(|_| stack()).collect::<BTreeSet<String>>()
    };
    assert!(stacks(true).len() > 1);
    if stacks(false).len() != 1 {
        println!("skipped: this machine does not let a process fix its addresses");
    }
}

#[test]
fn listings_come_in_the_order_that_a_number_chooses() {
    let script = "mkdir d; for n in {1..40}; do echo $n > d/f$n; done; ls -aU d; ls d | (read first; echo first $first)
        mkdir many; cd many; printf -v long %0200d 0; for n in {1..300}; do : > $long-$n; done
        set -- $(ls -U); echo $#; cd ..; rm -r d many; ls";
    for user in users() {
        let mut orders = BTreeSet::new();
        for listing in [None, Some(1), Some(2), Some(3)] {
            let mut case = Case::new(user, script);
            case.spec.surroundings.listing = listing;
            let log = case.output();
            let lines: Vec<&str> = log.lines().collect();
            let (listed, rest) = lines.split_at(42);
            orders.insert(listed.to_vec().join(" "));
            let mut names = listed.to_vec();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), 42, "each once: {log}");
            assert_eq!(rest, ["first f1", "300", "out"], "{listing:?}");
            // The same number, the same order.
            if listing.is_some() {
                let mut again = Case::new(user, script);
                again.spec.surroundings.listing = listing;
                assert_eq!(again.output(), log);
            }
        }
        assert_eq!(orders.len(), 4);
    }
}

#[test]
fn a_sandbox_can_be_entered_again_where_a_command_ended() {
    for user in users() {
        let mut case = Case::new(
            user,
            "echo one > here; echo two > /src/new; rm /src/file; echo three > /tmp/t; chmod 000 /src/dir; exit 3",
        );
        case.spec.keep_tmp = true;
        case.mount("/src", MountMode::Writable);
        assert_eq!(case.run().outcome, xsc_sandbox::Outcome::Exited(3));
        xsc_sandbox::reset_scratch(&case.spec.scratch).unwrap();
        case.spec.again = true;
        let script = "cat here /src/new /tmp/t; ls /src; stat -c %a /src/dir; pwd; echo more >> /src/new; cat /src/new";
        case.spec.command = ["bash", "-c", script].map(String::from).into();
        assert_eq!(
            case.output(),
            "one\ntwo\nthree\ndir\nnew\n0\n/build\ntwo\nmore\n"
        );
    }
}
