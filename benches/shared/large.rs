//! A large set of flows.

use std::fmt::Write;

/// Flows, and steps of each.
pub const FLOWS: usize = 10;
pub const STEPS: usize = 1_000;

/// Menus with choices, questions, queues and texts, as flows have them; all steps are reached. Names of files, and texts.
pub fn large_set() -> Vec<(String, String)> {
    let flow = |flow: usize| {
        let mut text = format!("flow: flow{flow}\nnumbers: [{}]\ntime_zone: Europe/London\nstart: s0\n", 1000 + flow);
        text.push_str("always: {0: agent, star: back, hash: again}\nsteps:\n");
        for step in 0..STEPS - 2 {
            let next = step + 1;
            let next = if next == STEPS - 2 { "agent".to_owned() } else { format!("s{next}") };
            let _ = match step % 5 {
                // Ways are traced from where something is recorded, and from where a secret is keyed to where it is sent.
                1 if step == 1 => writeln!(text, "  s1: {{record: {{consent: announce}}, next: s2}}"),
                1 if step == 6 => writeln!(text, "  s6: {{collect: Your PIN?, save: pin, secret: true, next: s7}}"),
                1 if step % 50 == 11 => writeln!(text, "  s{step}: {{lookup: 'shop/{{pin}}', next: {next}}}"),
                1 if step % 50 == 21 => writeln!(text, "  s{step}: {{transfer: 'sip:desk@192.0.2.7', next: {next}}}"),
                0 => writeln!(
                    text,
                    "  s{step}:\n    menu: How can we help you in step {step}?\n    choices:\n      1: For the next thing -> {next}\n      \
                     2: For somebody -> agent\n      3: {{say: For the rest, go: bye, when: hours.office{flow}}}\n    otherwise: agent"
                ),
                1 => writeln!(text, "  s{step}: {{say: You have come to the step number {step}., next: {next}}}"),
                2 => writeln!(
                    text,
                    "  s{step}:\n    collect: Please enter your number.\n    digits: 6-8\n    save: number\n    otherwise: agent\n    next: {next}"
                ),
                3 => writeln!(text, "  s{step}: {{when: number starts with '7', then: {next}, otherwise: bye}}"),
                _ => writeln!(text, "  s{step}: {{say: 'Your number is {{number|digits}}.', next: {next}}}"),
            };
        }
        let _ = write!(
            text,
            "  agent: {{queue: support{flow}}}\n  bye: {{hangup: Goodbye.}}\nhours: {{office{flow}: {{mon-fri: 09:00-17:30}}}}\n\
             agents: {{2{flow}01: {{name: Ada}}}}\nqueues: {{support{flow}: {{agents: [2{flow}01]}}}}\n"
        );
        if flow == 0 {
            text.push_str("connectors: {shop: {url: 'https://shop.example.com'}}\n");
        }
        (format!("flow{flow}"), text)
    };
    (0..FLOWS).map(flow).collect()
}
