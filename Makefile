# The face of the build; meson does the work. `make help` lists what there is.

BUILD        ?= build
FUZZ_SECONDS ?= 60
SOAK_MINUTES ?= 10
export TALLY_SHARED ?= $(abspath ../shared)

.PHONY: help build test demo demo-clean bench bench-full bench-find bench-build fuzz soak install may-install clean deps format

help:
	@echo 'make build     the program, build/tally'
	@echo 'make demo      build it and start a server with entries in it; prints what to try'
	@echo 'make demo-clean  remove what the demo keeps, demo-data'
	@echo 'make test      all tests: unit, system, server, conformance'
	@echo 'make bench     measure, beside PostgreSQL and SQLite, in some minutes: little, and once'
	@echo 'make bench-full  all of it, medians of five, up to 100 million entries: hours, and 40 GB of disk;'
	@echo '               bench/run.sh, http.sh and find.sh say what can be set'
	@echo 'make bench-find  of it, only the questions: BENCH_FIND_SIZES=N BENCH_FIND_KEEP=DIR for one size at a time'
	@echo 'make fuzz      every fuzz target for FUZZ_SECONDS=$(FUZZ_SECONDS) each'
	@echo 'make soak      overload and kill whoever records, and check, SOAK_MINUTES=$(SOAK_MINUTES) times'
	@echo 'make install   into the prefix (PREFIX=/usr/local, DESTDIR=)'
	@echo 'make format    lay the code out as .clang-format says'
	@echo 'make clean     remove what was built'

deps:
	@packaging/deps.sh build

$(BUILD)/build.ninja: | deps
	@meson setup $(BUILD) $(if $(PREFIX),--prefix '$(PREFIX)') > $(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log

# Where nothing is to be done, nothing is said; nor how what was set up is set up anew, if that succeeds.
renew = ninja -C $(BUILD) build.ninja > $(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }; rm -f $(BUILD).log
compile = ninja -C $(BUILD) -n --quiet | grep -q 'no work to do' || ninja -C $(BUILD)

# Who looks on sees how far it is; a log gets only what went wrong.
build: deps $(BUILD)/build.ninja
	@$(renew)
	@$(compile) $(if $(MAKE_TERMOUT),,--quiet)

# Where nothing can be installed, tests whose tools are missing say that they are skipped.
test: build
	@packaging/deps.sh test || echo 'Going on without them.'
	@tests/run.sh $(BUILD)

demo: build
	@$(BUILD)/tally demo

demo-clean:
	rm -rf demo-data demo-data.part

# Set up again if that was done before there was a libpq.
bench-build:
	@packaging/deps.sh build bench
	@$(MAKE) --no-print-directory build
	@[ -x $(BUILD)/bench/peer_postgres ] || \
	    { meson setup --reconfigure $(BUILD) > /dev/null && { $(compile) --quiet; }; }

bench: export BENCH_RUNS ?= 1
bench: export BENCH_EMBEDDED_EVENTS ?= 100000
bench: export BENCH_EVENTS ?= 100000
bench: export BENCH_PEER_EVENTS ?= 20000
bench: export BENCH_SINGLE ?= 5000
bench: export BENCH_ONE ?= 1000
bench: export BENCH_ROUNDS ?= 3
bench-full bench-find: export BENCH_FIND_SIZES ?= 1000000 10000000 100000000
bench-full bench-find: export BENCH_FIND_ASKS ?= 200
bench-full bench-find: export BENCH_FIND_SECONDS ?= 10
bench-full bench-find: export BENCH_FIND_COLD ?= 10
bench-full bench-find: export BENCH_FIND_SVG ?= docs/find.svg

bench bench-full: bench-build
	@bench/run.sh $(BUILD)
	@bench/find.sh $(BUILD)

bench-find: bench-build
	@bench/find.sh $(BUILD)

fuzz:
	@packaging/deps.sh build check
	@fuzz/run.sh $(FUZZ_SECONDS)

soak: build
	@tests/soak.sh $(BUILD) $(SOAK_MINUTES)

# Where it is from here; blanks may be in it.
destdir = $(if $(DESTDIR),"$$(realpath -m '$(DESTDIR)')")

may-install:
	@packaging/may_install.sh '$(BUILD)' '$(PREFIX)' $(or $(destdir),'')

install: may-install build
	@[ -z '$(PREFIX)' ] || { meson configure $(BUILD) -Dprefix='$(PREFIX)' && $(renew) && { $(compile) --quiet; }; }
	@meson install -C $(BUILD) --no-rebuild --quiet $(if $(DESTDIR),--destdir $(destdir))
	@[ -n '$(DESTDIR)' ] || [ "$$(id -u)" != 0 ] || ldconfig

format:
	@packaging/deps.sh check
	@git ls-files '*.c' '*.h' | xargs clang-format-14 -i

clean:
	rm -rf build build-*
