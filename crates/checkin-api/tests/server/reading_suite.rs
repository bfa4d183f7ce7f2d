//! What every store must answer when check-ins are read back, whatever the database: held against a plain count over the
//! same check-ins.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use checkin_api::CheckIn;
use checkin_api::net::{
    Definition, IsoWeeks, Moment, Net, Regulars, Schedule, Streaks, Week, streaks, zone_named,
};
use checkin_api::server::store::{
    CheckInStore, Direction, Filter, PageRequest, Period, Rank, RejectedCount, Scope, Standing, Submission,
};

/// Calls a macro with the names of all cases.
macro_rules! reading_cases {
    ($each:ident) => {
        $each! {
            weeks_people_and_streaks_are_those_of_a_plain_count,
            boards_are_those_of_a_plain_count,
            iso_weeks_are_those_of_a_plain_count,
            pages_neither_repeat_nor_hide_whatever_arrives,
            filters_let_through_what_they_name,
            an_empty_store_has_answers,
            odd_names_are_read_as_they_were_sent,
            who_heard_it_and_how_bots_are_doing,
            a_streak_that_can_still_go_on_is_not_broken,
            times_without_an_offset_are_the_nets_own,
        }
    };
}
pub(crate) use reading_cases;

/// A source of numbers that is the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

fn instant(text: &str) -> jiff::Timestamp {
    text.parse().expect("an instant")
}

fn net(phrase: Option<&str>) -> Net {
    Net::new(Definition {
        name: "test".to_owned(),
        channel: "#MeshMonday ".to_owned(),
        weekday: "monday".to_owned(),
        opens: "17:00".parse().expect("a time"),
        closes: "01:30".parse().expect("a time"),
        zone: "America/Denver".to_owned(),
        phrase: phrase.map(str::to_owned),
    })
    .expect("a net")
}

fn copy(hash: &str, username: &str, message: &str, channel: &str, timestamp: &str) -> Submission {
    Submission {
        check_in: CheckIn {
            packet_hash: hash.parse().expect("a hash"),
            username: username.to_owned(),
            message: message.to_owned(),
            channel: channel.to_owned(),
            timestamp: timestamp.into(),
            source_bot: Some("east".to_owned()),
        },
        received_at: instant("2025-06-30T12:00:00Z"),
        key: "k".to_owned(),
    }
}

const PEOPLE: [&str; 12] = [
    "HOWL",
    "howl",
    "A B",
    "📻 one",
    "📻",
    "<script>",
    "=cmd()",
    "שלום",
    "zz.9",
    "Ω",
    "a%_b",
    "'; DROP TABLE check_ins; --",
];

/// Check-ins over a year, mostly near the net's hours, some with a clock that is off or none at all.
fn crowd() -> Vec<Submission> {
    let mut chance = Chance(7);
    let net = net(None);
    let first: Week = "2024-06-03".parse().expect("a week");
    let mut weeks = vec![first];
    for _ in 0..55 {
        weeks.push(weeks[weeks.len() - 1].after().expect("a week"));
    }
    let mut crowd = Vec::new();
    for number in 0..1200_u64 {
        let week = weeks[usize::try_from(chance.below(56)).expect("small")];
        // Nobody is there at Christmas.
        if ("2024-12-16".parse().expect("a week")..="2024-12-30".parse().expect("a week")).contains(&week) {
            continue;
        }
        let opens = net.span(week).expect("a span").opens;
        let minutes = i64::try_from(chance.below(12 * 60)).expect("small") - 90;
        let at = opens + jiff::SignedDuration::from_mins(minutes);
        let timestamp = match chance.below(8) {
            0 => net.zone().to_datetime(at).to_string(),
            1 => at.to_string(),
            2 => "no date".to_owned(),
            _ => at.display_with_offset(net.zone().to_offset(at)).to_string(),
        };
        let username = PEOPLE[usize::try_from(chance.below(4) * chance.below(4)).expect("small")];
        let message =
            ["check in", "CHECKing in", "hello", ""][usize::try_from(chance.below(4)).expect("small")];
        let channel = ["#meshmonday", "#MeshMonday", " #meshmonday", "#other"];
        let channel = channel[usize::try_from(chance.below(4)).expect("small")];
        let mut one = copy(&format!("{number:08X}"), username, message, channel, &timestamp);
        one.received_at = at + jiff::SignedDuration::from_secs(7);
        crowd.push(one);
    }
    crowd
}

fn scope(net: &Net, last: Week, open: bool) -> Scope {
    Scope {
        channel: checkin_api::reading::channel_key(net.channel()),
        phrase: net.phrase().map(str::to_owned),
        schedule: Arc::new(net.clone()),
        last,
        open,
    }
}

/// Who was there in which week, how often, counted one by one.
type Count = BTreeMap<Week, BTreeMap<String, u64>>;

fn count(crowd: &[Submission], week_of: impl Fn(Moment, &str) -> Option<Week>, last: Week) -> Count {
    let mut count = Count::new();
    for one in crowd {
        let CheckIn { username, message, channel, timestamp, .. } = &one.check_in;
        if checkin_api::reading::channel_key(channel) != "#meshmonday" {
            continue;
        }
        let moment = Moment::of(timestamp, one.received_at);
        if let Some(week) = week_of(moment, message).filter(|week| *week <= last) {
            *count.entry(week).or_default().entry(username.clone()).or_default() += 1;
        }
    }
    count
}

/// Everybody's standing, in the order of a leaderboard.
fn standings(count: &Count, open: bool) -> Vec<Standing> {
    let people: BTreeSet<&String> = count.values().flat_map(BTreeMap::keys).collect();
    let held = u32::try_from(count.len()).expect("few");
    let mut standings: Vec<_> = people
        .into_iter()
        .map(|username| {
            let there = |there: &BTreeMap<String, u64>| there.contains_key(username);
            let numbers =
                (0_u32..).zip(count.values()).filter(|(_, week)| there(week)).map(|(number, _)| number);
            let mut weeks = count.iter().filter(|(_, week)| there(week)).map(|(week, _)| *week);
            let first = weeks.next().expect("once at least");
            Standing {
                username: username.clone(),
                streaks: streaks(numbers, held, open),
                first,
                last: weeks.next_back().unwrap_or(first),
            }
        })
        .collect();
    let key = |Standing { streaks: Streaks { weeks, current, longest }, username, .. }: &Standing| {
        (u32::MAX - weeks, u32::MAX - current, u32::MAX - longest, username.clone())
    };
    standings.sort_by_key(key);
    standings
}

pub(crate) async fn weeks_people_and_streaks_are_those_of_a_plain_count<S: CheckInStore>(store: S) {
    let crowd = crowd();
    store.submit(crowd.clone()).await.expect("stored");
    for phrase in [None, Some("check")] {
        let net = net(phrase);
        for (last, open) in
            [("2025-06-23", false), ("2025-06-23", true), ("2025-01-06", false), ("2024-12-30", true)]
        {
            let last: Week = last.parse().expect("a week");
            let count = count(&crowd, |moment, message| net.week_of(moment, message), last);
            let expected = standings(&count, open && count.contains_key(&last));
            assert!(
                count.len() > 20 && expected.len() > 5,
                "{} weeks, {} people",
                count.len(),
                expected.len()
            );
            let scope = scope(&net, last, open);
            compare_weeks(&store, &scope, &count, &expected).await;
            compare_leaders(&store, &scope, &expected).await;
            compare_people(&store, &scope, &count, &expected).await;
            compare_missing(&store, &scope, &count, &expected).await;
        }
    }
}

async fn compare_weeks<S: CheckInStore>(store: &S, scope: &Scope, count: &Count, expected: &[Standing]) {
    let weeks = store.weeks(scope.clone()).await.expect("read");
    let held: Vec<_> = count.keys().copied().collect();
    assert_eq!(weeks.iter().map(|week| week.week).collect::<Vec<_>>(), held);
    for week in &weeks {
        let there = &count[&week.week];
        let firsts = expected.iter().filter(|standing| standing.first == week.week).count();
        assert_eq!(
            (week.people, week.check_ins, week.first_timers),
            (there.len() as u64, there.values().sum(), firsts as u64),
            "{}",
            week.week
        );
    }
}

async fn compare_leaders<S: CheckInStore>(store: &S, scope: &Scope, expected: &[Standing]) {
    assert_eq!(store.leaders(scope.clone(), None, 1000).await.expect("read"), expected);
    let mut paged: Vec<Standing> = Vec::new();
    loop {
        let after = paged.last().map(|last| Rank { streaks: last.streaks, username: last.username.clone() });
        let page = store.leaders(scope.clone(), after, 2).await.expect("read");
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    assert_eq!(paged, expected);
}

async fn compare_people<S: CheckInStore>(store: &S, scope: &Scope, count: &Count, expected: &[Standing]) {
    for standing in expected {
        let name = &standing.username;
        let sheet = store.person(scope.clone(), name.clone()).await.expect("read").expect("known");
        assert_eq!(&sheet.standing, standing);
        let there: Vec<_> = count.iter().rev().filter(|(_, week)| week.contains_key(name)).collect();
        let weeks: Vec<_> = there.iter().map(|(week, _)| **week).collect();
        assert_eq!(sheet.weeks.iter().map(|(week, _)| *week).collect::<Vec<_>>(), weeks);
        for ((_, said), (_, people)) in sheet.weeks.iter().zip(&there) {
            assert_eq!(said.len() as u64, people[name].min(10));
        }
        let since = count.keys().filter(|week| **week >= standing.first).count();
        assert_eq!(sheet.missed as usize, since - there.len());
    }
}

async fn compare_missing<S: CheckInStore>(store: &S, scope: &Scope, count: &Count, expected: &[Standing]) {
    let last = scope.last;
    for (present, of) in [(3, 4), (1, 2), (2, 8)] {
        let rule = Regulars::new(present, of).expect("a rule");
        let before: Vec<_> =
            count.iter().filter(|(week, _)| **week < last).rev().take(rule.of().into()).collect();
        let absent = |standing: &&Standing| {
            let there = before.iter().filter(|(_, there)| there.contains_key(&standing.username)).count();
            let came = count.get(&last).is_some_and(|there| there.contains_key(&standing.username));
            !came && there >= usize::from(rule.present())
        };
        let missing: Vec<_> = expected.iter().filter(absent).cloned().collect();
        assert_eq!(store.missing(scope.clone(), rule, 500).await.expect("read"), missing);
    }
}

pub(crate) async fn boards_are_those_of_a_plain_count<S: CheckInStore>(store: S) {
    let crowd = crowd();
    store.submit(crowd.clone()).await.expect("stored");
    for phrase in [None, Some("check")] {
        let net = net(phrase);
        for last in ["2024-06-03", "2024-11-04", "2025-03-10", "2025-06-23"] {
            let last: Week = last.parse().expect("a week");
            let count = count(&crowd, |moment, message| net.week_of(moment, message), last);
            let expected = standings(&count, false);
            let sheet = store.sheet(scope(&net, last, false)).await.expect("read");
            let found = sheet.people.iter().map(|(record, times, _)| (record.username.clone(), *times));
            assert_eq!(Some(&found.collect()), count.get(&last));
            assert_eq!(sheet.has_past, last.to_string() != "2024-06-03");
            for (record, _, standing) in &sheet.people {
                let same = expected.iter().find(|standing| standing.username == record.username);
                assert_eq!(Some(standing), same);
            }
            let order: Vec<_> = sheet.people.iter().map(|(record, _, _)| record.position).collect();
            assert!(order.is_sorted(), "in the order of their first check-ins");
        }
    }
}

pub(crate) async fn iso_weeks_are_those_of_a_plain_count<S: CheckInStore>(store: S) {
    let crowd = crowd();
    store.submit(crowd.clone()).await.expect("stored");
    for zone in ["UTC", "Pacific/Auckland", "Asia/Kolkata"] {
        let weeks = IsoWeeks::new(zone_named(zone).expect("a zone"));
        let last = IsoWeeks::parse("2025-W26").expect("a week");
        let count = count(&crowd, |moment, _| weeks.week_of(moment), last);
        let scope = Scope {
            channel: "#meshmonday".to_owned(),
            phrase: None,
            schedule: Arc::new(weeks),
            last,
            open: false,
        };
        assert_eq!(store.leaders(scope, None, 1000).await.expect("read"), standings(&count, false), "{zone}");
    }
}

/// All pages of a list, with `meanwhile` between them.
async fn pages<S: CheckInStore>(
    store: &S,
    filter: &Filter,
    direction: Direction,
    limit: u32,
    mut meanwhile: impl AsyncFnMut(usize),
) -> Vec<String> {
    let mut page = PageRequest { direction, after: None, newest: None, limit };
    let mut hashes = Vec::new();
    loop {
        let records = store.records(filter.clone(), page).await.expect("read");
        page.after = records.last().map(|record| record.position);
        assert!(records.len() <= limit as usize);
        if records.is_empty() {
            return hashes;
        }
        hashes.extend(records.into_iter().map(|record| record.packet_hash));
        meanwhile(hashes.len()).await;
    }
}

pub(crate) async fn pages_neither_repeat_nor_hide_whatever_arrives<S: CheckInStore>(store: S) {
    let crowd = crowd();
    store.submit(crowd.clone()).await.expect("stored");
    let channel = || Some("#meshmonday".to_owned());
    let filters = [
        Filter::default(),
        Filter { channel: channel(), ..Filter::default() },
        Filter { channel: channel(), user: Some("HOWL".to_owned()), ..Filter::default() },
        Filter { user: Some("HOWL".to_owned()), ..Filter::default() },
        Filter { bot: Some("east".to_owned()), ..Filter::default() },
        Filter {
            bot: Some("east".to_owned()),
            channel: channel(),
            user: Some("HOWL".to_owned()),
            ..Filter::default()
        },
    ];
    let mut extra = 0;
    for filter in filters {
        let fits = |one: &&Submission| {
            let CheckIn { username, channel, .. } = &one.check_in;
            let on = checkin_api::reading::channel_key(channel);
            filter.channel.as_ref().is_none_or(|channel| *channel == on)
                && filter.user.as_ref().is_none_or(|user| user == username)
        };
        let expected: BTreeSet<String> =
            crowd.iter().filter(fits).map(|one| one.check_in.packet_hash.as_str().to_owned()).collect();
        assert!(expected.len() > 50, "{filter:?}");
        for direction in [Direction::NewestFirst, Direction::OldestFirst] {
            let found = pages(&store, &filter, direction, 37, async |seen| {
                // Before, behind and at the place where the next page begins; the loop ends all the same.
                if seen < 400 {
                    for time in ["2020-01-01T00:00:00Z", "2025-01-13T20:00:00Z", "2025-06-29T00:00:00Z"] {
                        extra += 1;
                        let hash = format!("extra-{extra}");
                        store
                            .submit(vec![copy(&hash, "HOWL", "late", "#meshmonday", time)])
                            .await
                            .expect("stored");
                    }
                }
            })
            .await;
            let unique: BTreeSet<_> = found.iter().cloned().collect();
            assert_eq!(unique.len(), found.len(), "something came twice");
            assert!(expected.is_subset(&unique), "something is hidden: {filter:?} {direction:?}");
        }
    }
}

pub(crate) async fn filters_let_through_what_they_name<S: CheckInStore>(store: S) {
    let all = [
        copy("1", "a", "", "#net", "2025-03-03T23:30:00-07:00"),
        copy("2", "a", "", "#Net", "2025-03-04T00:30:00-07:00"),
        copy("3", "b", "", "#net", "2025-03-03T23:30:00"),
        copy("4", "b", "", "#other", "never"),
        copy("5", "A", "", "#net ", "2025-03-04T00:30:00"),
    ];
    store.submit(all.to_vec()).await.expect("stored");
    let day = Period {
        // 2025-03-03 in Denver.
        from: instant("2025-03-03T07:00:00Z").as_second(),
        to: instant("2025-03-04T07:00:00Z").as_second(),
        local_from: instant("2025-03-03T00:00:00Z").as_second(),
        local_to: instant("2025-03-04T00:00:00Z").as_second(),
    };
    let received = Period {
        from: instant("2025-06-30T12:00:00Z").as_second(),
        to: instant("2025-06-30T12:00:01Z").as_second(),
        local_from: 0,
        local_to: 0,
    };
    let text = |text: &str| Some(text.to_owned());
    for (filter, hashes) in [
        (Filter::default(), vec!["4", "2", "1", "5", "3"]),
        (Filter { channel: text("#net"), ..Filter::default() }, vec!["2", "1", "5", "3"]),
        (Filter { user: text("a"), ..Filter::default() }, vec!["2", "1"]),
        (Filter { user: text("b"), ..Filter::default() }, vec!["4", "3"]),
        (Filter { period: day, ..Filter::default() }, vec!["1", "3"]),
        (Filter { period: day, channel: text("#net"), user: text("b"), ..Filter::default() }, vec!["3"]),
        (Filter { period: received, ..Filter::default() }, vec!["4"]),
        (Filter { bot: text("west"), ..Filter::default() }, vec![]),
        (Filter { bot: text("east"), ..Filter::default() }, vec!["5", "4", "3", "2", "1"]),
        (Filter { bot: text("east"), period: day, ..Filter::default() }, vec!["3", "1"]),
        (Filter { channel: text("#nowhere"), ..Filter::default() }, vec![]),
    ] {
        assert_eq!(
            pages(&store, &filter, Direction::NewestFirst, 2, async |_| ()).await,
            hashes,
            "{filter:?}"
        );
    }
    // What arrived after the export began is left out.
    let newest = store.state().await.expect("read").newest;
    store.submit(vec![copy("6", "a", "", "#net", "2025-03-01T00:00:00Z")]).await.expect("stored");
    let page =
        PageRequest { direction: Direction::OldestFirst, after: None, newest: Some(newest), limit: 10 };
    let hashes: Vec<_> = store
        .records(Filter::default(), page)
        .await
        .expect("read")
        .into_iter()
        .map(|record| record.packet_hash)
        .collect();
    assert_eq!(hashes, ["3", "5", "1", "2", "4"]);
}

pub(crate) async fn an_empty_store_has_answers<S: CheckInStore>(store: S) {
    let net = net(None);
    let scope = scope(&net, "2025-06-23".parse().expect("a week"), true);
    assert_eq!(store.weeks(scope.clone()).await.expect("read"), []);
    assert_eq!(store.leaders(scope.clone(), None, 10).await.expect("read"), []);
    assert_eq!(store.missing(scope.clone(), Regulars::default(), 10).await.expect("read"), []);
    assert_eq!(store.person(scope.clone(), "HOWL".to_owned()).await.expect("read"), None);
    let sheet = store.sheet(scope).await.expect("read");
    assert_eq!((sheet.people, sheet.truncated, sheet.has_past), (vec![], false, false));
    assert_eq!(store.bots(10).await.expect("read"), []);
    let state = store.state().await.expect("read");
    assert_eq!((state.changes, state.newest), (0, 0));
}

pub(crate) async fn odd_names_are_read_as_they_were_sent<S: CheckInStore>(store: S) {
    let net = net(None);
    let mut copies = Vec::new();
    for (number, name) in PEOPLE.into_iter().enumerate() {
        let mut one = copy(&format!("H{number:02}"), name, name, "#meshmonday", "2025-06-23T20:00:00-06:00");
        one.check_in.source_bot = Some(name.to_owned());
        copies.push(one);
    }
    store.submit(copies).await.expect("stored");
    let scope = scope(&net, "2025-06-23".parse().expect("a week"), false);
    let sheet = store.sheet(scope.clone()).await.expect("read");
    let found: Vec<_> = sheet.people.iter().map(|(record, _, _)| record.username.as_str()).collect();
    assert_eq!(found, PEOPLE);
    for (record, _, _) in &sheet.people {
        assert_eq!(
            (&record.message, record.heard_by[0].0.as_str()),
            (&record.username, record.username.as_str())
        );
    }
    for name in PEOPLE {
        let person = store.person(scope.clone(), name.to_owned()).await.expect("read").expect("known");
        assert_eq!(person.standing.username, name);
        let filter = Filter { bot: Some(name.to_owned()), ..Filter::default() };
        assert_eq!(pages(&store, &filter, Direction::NewestFirst, 5, async |_| ()).await.len(), 1, "{name}");
    }
    // An all-zero hash is shown as it was sent.
    let zero = copy("0000000000000000", "HOWL", "", "#zero", "2025-06-23T20:00:00-06:00");
    store.submit(vec![zero]).await.expect("stored");
    let filter = Filter { channel: Some("#zero".to_owned()), ..Filter::default() };
    assert_eq!(pages(&store, &filter, Direction::NewestFirst, 5, async |_| ()).await, ["0000000000000000"]);
}

pub(crate) async fn who_heard_it_and_how_bots_are_doing<S: CheckInStore>(store: S) {
    let from = |bot: Option<&str>, seconds: i64| {
        let mut one = copy("AA", "HOWL", "hi", "#meshmonday", "2025-06-23T20:00:00-06:00");
        one.check_in.source_bot = bot.map(str::to_owned);
        one.received_at = instant("2025-06-30T12:00:00Z") + jiff::SignedDuration::from_secs(seconds);
        one
    };
    let before = store.state().await.expect("read");
    for (bot, seconds) in [(Some("west 7 9 "), 5), (Some("east"), 0), (None, 9), (Some("east"), 20)] {
        store.submit(vec![from(bot, seconds)]).await.expect("stored");
    }
    let page = PageRequest { direction: Direction::NewestFirst, after: None, newest: None, limit: 5 };
    let records = store.records(Filter::default(), page).await.expect("read");
    let heard: Vec<_> = records[0].heard_by.iter().map(|(bot, at)| (bot.as_str(), at.to_string())).collect();
    assert_eq!(records.len(), 1);
    assert_eq!(
        heard,
        [
            ("east", "2025-06-30T12:00:00Z".to_owned()),
            ("west 7 9 ", "2025-06-30T12:00:05Z".to_owned()),
            ("k", "2025-06-30T12:00:09Z".to_owned()),
        ]
    );
    let heard = store.state().await.expect("read");
    assert_ne!(before, heard);
    let count = RejectedCount { bot: "east".to_owned(), count: 3, last_at: instant("2025-07-01T00:00:00Z") };
    store.add_rejected(vec![count]).await.expect("stored");
    assert_ne!(heard, store.state().await.expect("read"));
    let bots = store.bots(10).await.expect("read");
    let bots: Vec<_> = bots
        .iter()
        .map(|bot| (bot.bot.as_str(), bot.last_seen.to_string(), bot.accepted, bot.duplicates, bot.rejected))
        .collect();
    assert_eq!(
        bots,
        [
            ("east", "2025-07-01T00:00:00Z".to_owned(), 0, 2, 3),
            ("k", "2025-06-30T12:00:09Z".to_owned(), 0, 1, 0),
            ("west 7 9 ", "2025-06-30T12:00:05Z".to_owned(), 1, 0, 0),
        ]
    );
    assert_eq!(store.bots(2).await.expect("read").len(), 2);
}

pub(crate) async fn a_streak_that_can_still_go_on_is_not_broken<S: CheckInStore>(store: S) {
    let net = net(None);
    let at = |week: &str, name: &str| {
        copy(&format!("{week}{name}"), name, "", "#meshmonday", &format!("{week}T20:00:00"))
    };
    let copies = ["2025-06-02", "2025-06-09", "2025-06-16"].map(|week| at(week, "HOWL"));
    store.submit(copies.to_vec()).await.expect("stored");
    store.submit(vec![at("2025-06-23", "early bird")]).await.expect("stored");
    let current = async |open| {
        let scope = scope(&net, "2025-06-23".parse().expect("a week"), open);
        let person = store.person(scope, "HOWL".to_owned()).await.expect("read").expect("known");
        (person.standing.streaks.current, person.standing.streaks.longest, person.missed)
    };
    assert_eq!(current(true).await, (3, 3, 1));
    assert_eq!(current(false).await, (0, 3, 1));
}

pub(crate) async fn times_without_an_offset_are_the_nets_own<S: CheckInStore>(store: S) {
    let sent = ["2025-06-23T16:59:59", "2025-06-23T17:00:00", "2025-06-24T01:29:59", "2025-06-24T01:30:00"];
    let copies = sent.iter().map(|time| copy(time, time, "", "#meshmonday", time)).collect();
    store.submit(copies).await.expect("stored");
    let net = net(None);
    let sheet = store.sheet(scope(&net, "2025-06-23".parse().expect("a week"), false)).await.expect("read");
    let there: Vec<_> = sheet.people.iter().map(|(record, _, _)| record.username.as_str()).collect();
    assert_eq!(there, sent[1..3]);
}
