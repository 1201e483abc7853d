# The daily commands. `just` lists them.

_default:
    @just --list

# answer calls with this repository's flow
serve:
    cargo run --release -- serve

# read everything that `serve` reads, and tell every fault
check:
    cargo run --quiet -- check

# formatting, lints and tests that need nothing but Rust
test:
    cargo fmt --check
    cargo clippy --all-targets --test interop -- -D warnings
    cargo test

# tests with SIPp, baresip, PJSIP, Kamailio, sipsak, tshark, nginx and Prometheus (Debian: sip-tester baresip-core kamailio sipsak tshark nginx-light openssl
# python3-venv prometheus docker-compose npm graphviz espeak-ng), the YAML language server and Mermaid
interop:
    tests/interop/pjsip/install
    tests/interop/editor/install
    cargo test --test interop

# the figures of benches/REPORT.md, measured on this machine
bench:
    cargo bench --bench reactor
    cargo bench --bench distributor
    cargo bench --bench flows
    cargo bench --bench calls
    cargo bench --bench connection
    cargo bench --bench reload

# fuzz one target for SECONDS (all targets: fuzz/run --list)
fuzz TARGET SECONDS="60":
    fuzz/run {{ TARGET }} {{ SECONDS }}

# the simulated day from many seeds, and a server that takes 10,000 calls
soak:
    SEEDS=200 cargo test --release --test simulation --test signaling
    SEEDS=200 CALLS=1000000 cargo test --release --test queues random_days
    WALKS=1000000 cargo test --release --lib nobody_is_stranded
    cargo run --release -- dial sip:1000@127.0.0.1:5060 --calls 10000 --rate 100 --hold 5s

# make the recordings that are missing
record:
    python3 prompts/make.py

# everything that must hold before a change lands
ci:
    bash .ci/run
