# For the scripts here: counts tests and reports them in TAP. |work| is a folder for the log.
count=0

# check NAME COMMAND...: one test.
check() {
    name=$1
    shift
    count=$((count + 1))
    if "$@" >"$work/log" 2>&1; then
        echo "ok $count - $name"
    else
        echo "not ok $count - $name"
        sed 's/^/# /' "$work/log"
    fi
}
