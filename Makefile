# Consilium: every target does its own prerequisites.
SHELL := /bin/bash
DEBIAN_PACKAGES := libdnnl-dev libopenblas-dev libnifti-dev libdeflate-dev libpng-dev zlib1g-dev libssl-dev
SWIFT_FLAGS := -c release --disable-testable-imports
SWIFT_FILES := Package.swift Sources Tests agent coordinator Benchmarks

.PHONY: deps build test bench bench-peers lint fuzz clean

deps:
	@missing=$$(for p in $(DEBIAN_PACKAGES); do dpkg -s $$p >/dev/null 2>&1 || echo $$p; done); \
	if [ -n "$$missing" ]; then \
		sudo=$$([ $$(id -u) -eq 0 ] || echo sudo); \
		$$sudo apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends $$missing; \
	fi

build: deps
	swift build -c release

test: deps
	swift test $(SWIFT_FLAGS)

lint:
	swift format lint --strict --recursive $(SWIFT_FILES)
