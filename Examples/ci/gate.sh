#!/bin/sh
# A gate for your own CI: replays a recording under your policy and fails where monitoring has become dearer or misses more.
#
#   gate.sh TRACE BASELINE [POLICY]
#
# GI_BENCH names the program, FAIL_ABOVE what may be dearer in per cent (0: nothing), SUMMARY a file that gets the report in
# Markdown (on GitHub: $GITHUB_STEP_SUMMARY). Without a baseline the first run makes one, to be reviewed and committed.
set -eu
gi_bench=${GI_BENCH:-gi-bench}
trace=$1 baseline=$2 policy=${3:-}
set -- "$trace" --baseline "$baseline" --strategy eptp-exit --strategy vmfunc
[ -z "$policy" ] || set -- "$@" --policy "$policy"
if [ ! -e "$baseline" ]; then
  "$gi_bench" check "$@" --update
  echo "made $baseline; review and commit it"
  exit 0
fi
status=0
"$gi_bench" check "$@" --fail-above "${FAIL_ABOVE:-0}" --quiet --export markdown=report.md --export github=benchmark.json ||
  status=$?
[ -z "${SUMMARY:-}" ] || cat report.md >>"$SUMMARY"
case $status in
0) echo "green: as the baseline, or cheaper" ;;
2) echo "red: see report.md; if it is meant, remove $baseline and run this again" ;;
*) echo "no verdict (status $status)" ;;
esac
exit "$status"
