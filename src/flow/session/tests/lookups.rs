//! Asking web services: what is sent, what is heard meanwhile, and every way out.

use super::walks::check;

const LINE: &str = "\
flow: main
numbers: [1000]
time_zone: Europe/London
start: order
always: {0: agent}
steps:
  order: {collect: Your number?, digits: 1-8, save: order_number, next: status}
  status:
    lookup: orders/{order_number}
    save: order
    found: told
    not_found: {say: 'Sorry, I cannot find that order.', go: order, at_most: 2}
    failed: agent
  told: {say: 'It is {order.status} and arrives on {order.date|day}.', next: ask}
  ask: {menu: Anything else?, choices: {1: Another -> order, 2: Nothing -> bare}}
  bare: {lookup: 'stock?q={order.status}'}
  agent: {say: A person., next: hangup}
connectors:
  orders:
    url: https://shop.example.com/api/orders/
    fields: {status: [sent, paid], date: date}
  stock: {url: https://stock.example.com/}
";

fn check_line(script: &str) {
    let asks = "says Your number?
        > .
        > 4711#
        order: next
        asks GET https://shop.example.com/api/orders/4711";
    check(LINE, &script.replace("ASKS", asks));
}

#[test]
fn an_answer_is_told() {
    check_line(
        "ASKS
        > answer {\"status\": \"sent\", \"date\": \"2026-12-24\"}
        status: found
        says It is sent and arrives on Thursday the twenty-fourth of December
        > .
        told: next
        says Anything else? Another, press one. Nothing, press two.
        > 2
        ask: choice 2
        asks GET https://stock.example.com?q=sent
        falls silent
        > answer {\"ok\": true}
        bare: found
        says Thank you for calling. Goodbye.
        > .
        hangs up",
    );
}

#[test]
fn a_caller_who_waits_is_comforted_and_no_first_word_is_cut_off() {
    check_line(
        "ASKS
        > wait 999ms
        > wait 1ms
        says One moment, please, while I look that up.
        > answer {\"status\": \"sent\", \"date\": \"2026-12-19\"}
        > .
        status: found
        says It is sent and arrives on tomorrow
        > gone
        told: caller_hung_up",
    );
}

#[test]
fn keys_are_kept_for_what_comes_after_an_answer() {
    check_line(
        "ASKS
        > ~
        says One moment, please, while I look that up.
        > 1
        > answer {\"status\": \"paid\", \"date\": \"2026-12-18\"}
        status: found
        told: next
        ask: choice 1
        says Your number?",
    );
    // What was keyed for an answer that does not come is forgotten.
    check_line(
        "ASKS
        > 1
        > answer not_found
        says Sorry, I cannot find that order.
        > .
        status: not_found
        says Your number?",
    );
}

#[test]
fn who_waits_long_is_comforted_again_and_not_for_ever() {
    check_line(
        "ASKS
        > ~
        says One moment, please, while I look that up.
        > .
        > ~
        asks no more
        status: failed
        says A person.
        > .
        agent: next
        says Thank you for calling. Goodbye.
        > answer {\"status\": \"sent\", \"date\": \"2026-12-24\"}
        > .
        hangs up",
    );
    let slow = LINE.replace("orders/\n", "orders/\n    timeout: 30s\n");
    check(
        &slow,
        "says Your number?
        > .
        > 4711#
        order: next
        asks GET https://shop.example.com/api/orders/4711
        > ~
        says One moment, please, while I look that up.
        > .
        > wait 7999ms
        > wait 1ms
        says I am still looking. Thank you for waiting.
        > .
        > answer {\"status\": \"sent\", \"date\": \"2026-12-18\"}
        status: found
        says It is sent and arrives on today",
    );
}

#[test]
fn a_caller_who_hangs_up_is_asked_for_no_more() {
    check_line(
        "ASKS
        > gone
        asks no more
        status: caller_hung_up",
    );
}

#[test]
fn what_is_not_found_is_told_twice_and_then_a_person_helps() {
    let again = "
        > answer not_found
        says Sorry, I cannot find that order.
        > 5
        status: not_found
        falls silent
        > #
        order: next
        asks GET https://shop.example.com/api/orders/5";
    check_line(&format!(
        "ASKS
        {again}
        {again}
        > answer not_found
        status: failed
        says A person."
    ));
}

#[test]
fn without_a_way_the_caller_is_told_and_comes_to_a_person() {
    let bare = LINE
        .replace("    failed: agent\n", "")
        .replace("    not_found: {say: 'Sorry, I cannot find that order.', go: order, at_most: 2}\n", "");
    let person = "says Your number?
        > .
        > 4711#
        order: next
        asks GET https://shop.example.com/api/orders/4711
        > answer OUTCOME
        says I am sorry, I cannot look that up at the moment.
        > .
        status: OUTCOME
        says A person.";
    for outcome in ["failed", "not_found"] {
        check(&bare, &person.replace("OUTCOME", outcome));
    }
    check(
        &bare.replace("always: {0: agent}\n", ""),
        "says Your number?
        > .
        > 4711#
        order: next
        asks GET https://shop.example.com/api/orders/4711
        > answer failed
        says I am sorry, I cannot look that up at the moment.
        > .
        status: failed
        says Thank you for calling. Goodbye.
        > .
        hangs up",
    );
}

#[test]
fn an_answer_takes_the_place_of_an_earlier_one() {
    check_line(
        "ASKS
        > answer {\"status\": \"sent\", \"date\": \"2026-12-24\"}
        status: found
        says It is sent and arrives on Thursday the twenty-fourth of December
        > .
        told: next
        says Anything else? Another, press one. Nothing, press two.
        > 1
        ask: choice 1
        says Your number?
        > .
        > 2#
        order: next
        asks GET https://shop.example.com/api/orders/2
        > answer failed
        status: failed
        says A person.",
    );
}

const SENDS: &str = "\
flow: main
numbers: [1000]
start: set
steps:
  set: {set: {word: VALUE, number: 24.50, yes: true}, next: pin}
  pin: {collect: Your pin?, digits: 1-4, secret: true, save: pin, next: ask}
  ask: {lookup: 'check/{word}', found: bye, not_found: bye, failed: no}
  bye: {say: Bye., next: hangup}
  no: {say: No., next: hangup}
connectors:
  check:
    url: https://shop.example.com/check
    method: POST
    body: {pin: '{pin}', note: 'so {word}', n: '{number}', yes: '{yes}', fixed: [1, true, ~, 'x']}
";

#[test]
fn a_value_stands_in_its_place_and_does_nothing_else_there() {
    let check_value = |value: &str, url: &str, json: &str| {
        check(
            &SENDS.replace("VALUE", value),
            &format!(
                "set: next
                says Your pin?
                > .
                > 12#
                pin: next
                asks POST https://shop.example.com/check/{url} {{\"fixed\":[1,true,null,\"x\"],\"n\":24.5,\"note\":\"so {json}\",\"pin\":\"12\",\"yes\":true}}"
            ),
        );
    };
    check_value("gold", "gold", "gold");
    check_value("'a b?c=d&e#f%'", "a%20b%3Fc%3Dd%26e%23f%25", "a b?c=d&e#f%");
    check_value("'\", \"admin\": true'", "%22%2C%20%22admin%22%3A%20true", "\\\", \\\"admin\\\": true");
    check_value("Zoë", "Zo%C3%AB", "Zoë");
    check_value("'@evil.example'", "%40evil.example", "@evil.example");
    for dots in ["'..'", "'.'"] {
        check(
            &SENDS.replace("VALUE", dots),
            "set: next
            says Your pin?
            > .
            > 12#
            pin: next
            ask: cannot be asked without word
            ask: failed
            says No.",
        );
    }
}

#[test]
fn what_is_not_known_is_not_asked_for() {
    check(
        "flow: main\nnumbers: [1000]\nstart: ask\nsteps:\n  ask: {lookup: 'shop/{n}', found: bye, failed: other}\n  \
         other: {collect: N?, save: n, next: ask}\n  bye: {say: Bye.}\n\
         connectors: {shop: {url: 'https://shop.example.com'}}\n",
        "ask: cannot be asked without n
        ask: failed
        says N?",
    );
}
