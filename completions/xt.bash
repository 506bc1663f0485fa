# Written by docs/generate.py from the code; a test fails when it is stale.
# shellcheck shell=bash

_xt_reply() {
    local word
    COMPREPLY=()
    while IFS= read -r word; do COMPREPLY+=("$word"); done
}

_xt_words() {
    _xt_reply < <(compgen -W "$1" -- "$current")
}

_xt_files() {
    compopt -o filenames 2>/dev/null
    _xt_reply < <(compgen "$1" -- "${COMP_WORDS[COMP_CWORD]#[:=]}")
}

# Sets `typed` to the words of the line as a command gets them, up to the cursor: the last one is being typed,
# and `quote` to the quotation mark it stands behind.
_xt_split() {
    local line=${COMP_LINE:0:COMP_POINT} i c next word= begun=
    typed=() quote=
    for ((i = 0; i < ${#line}; i++)); do
        c=${line:i:1}
        if [[ $quote && $c == "$quote" ]]; then
            quote=
        elif [[ $c == \\ && $quote != "'" ]]; then
            next=${line:i+1:1}
            [[ $quote && $next != [\\\$\`\"] ]] && word+=$c
            word+=$next
            ((i++))
        elif [[ $quote ]]; then
            word+=$c
        elif [[ $c == [\'\"] ]]; then
            quote=$c begun=1
        elif [[ $c == [[:space:]] ]]; then
            [[ $begun ]] && typed+=("$word")
            word= begun=
            continue
        else
            word+=$c
        fi
        begun=1
    done
    typed+=("$word")
}

# Sets `option` when its value is being completed, `first` to the first argument, and `nth` to the number of
# the one that is typed.
_xt_scan() {
    local i last=$((${#typed[@]} - 1))
    option= first= nth=1
    for ((i = 2; i < last; i++)); do
        case "${typed[1]} ${typed[i]}" in
            "run -m" | "run --purpose" | "run -n" | "run --name" | "run -t" | "run --tag" | "run -i" | "run --input" | "run -o" | "run --output" | "run -p" | "run --param" | "run --fact" | "run --metric" | "run --metrics" | "run --ticket" | "run --as" | "run --seed" | "run --sign" | "run --docker" | "run --docker-opt" | "run -C" | "run --ci" | "run --ci-dir" | "ls -n" | "ls --number" | "ls --sort" | "ls --group-by" | "ls --columns" | "show --code" | "logs --rank" | "diff --only" | "diff --metrics" | "diff --by" | "diff --tol" | "diff --images" | "diff --format" | "diff --fail-on" | "diff --ci" | "diff --ci-dir" | "rerun --set" | "rerun --seed" | "rerun --env" | "rerun -m" | "rerun --purpose" | "rerun -n" | "rerun --name" | "rerun --on" | "rerun --on-opt" | "rerun --through" | "rerun --retries" | "verify --repeat" | "verify --against" | "verify --level" | "verify --vary" | "verify -j" | "verify --jobs" | "verify --on" | "verify --on-opt" | "verify --through" | "verify --retries" | "verify --env" | "verify --tol" | "verify --format" | "verify --ci" | "verify --ci-dir" | "audit --format" | "audit --allowed-signers" | "audit --key" | "audit --ci" | "audit --ci-dir" | "sign --key" | "baseline --name" | "baseline -m" | "baseline --message" | "restore --to" | "restore --only" | "trace --depth" | "trace --format" | "stale --format" | "stale --on" | "stale --on-opt" | "stale --retries" | "cases --against" | "cases --cohort" | "cases --by" | "cases --history" | "cases --output" | "cases -n" | "cases --number" | "cases --format" | "bundle --role" | "plot -r" | "plot --runs" | "plot --x" | "plot -o" | "plot --output" | "report -o" | "report --output" | "report --title" | "export --to" | "export -o" | "export --output" | "export --only" | "export --license" | "export --sign" | "note -m" | "note --message" | "rm -m" | "rm --message" | "gc --keep" | "gc --grace" | "deploy --to" | "deploy --prompts" | "deploy --policy" | "deploy -m" | "deploy --message" | "deploy --at" | "observe --at" | "observe --from" | "blame --since" | "rollback --to" | "rollback -m" | "rollback --message" | "push -r" | "push --remote" | "pull -r" | "pull --remote" | "fsck --from")
                ((i + 1 == last)) && option=${typed[i]}
                ((i++))
                ;;
            *" -"*) ;;
            *)
                first=${first:-${typed[i]}}
                ((nth++))
                ;;
        esac
    done
    [[ ! $option && ${typed[last]} == --*=* ]] && option=${typed[last]%%=*}
}

# Offers what xt knows. $1: kinds of values; $2: the part of the word that readline will replace.
_xt_offer() {
    local word=${typed[${#typed[@]} - 1]} part=${2//\\/} lead= base text
    local special=$' \t"\'\\$`<>|&;()*?[{}!#'
    part=${part#[\'\"]}
    [[ $option == --* && $word == "$option="* ]] && lead="$option="
    base=${word%"$part"}
    compopt -o nosort 2>/dev/null
    while IFS=$'\t' read -r text _; do
        text=$lead$text
        text=${text#"$base"}
        case $quote in
            \') [[ $text == *\'* ]] && continue ;;
            \")
                text=${text//\\/\\\\} text=${text//\"/\\\"}
                text=${text//\$/\\\$} text=${text//\`/\\\`}
                ;;
            *) [[ $text == *[$special]* ]] && printf -v text %q "$text" ;;
        esac
        [[ $text == *[.:=\<\>] ]] && compopt -o nospace 2>/dev/null
        COMPREPLY+=("$text")
    done < <(xt complete "$1" "${word#"$lead"}" 2>/dev/null)
}

# The same, and paths.
_xt_offer_files() {
    local found
    _xt_offer "$1" "$2"
    found=("${COMPREPLY[@]}")
    _xt_files -f
    COMPREPLY=("${found[@]}" "${COMPREPLY[@]}")
}

# The command after `xt run` completes as it would without us. $1: where in the line it begins.
_xt_command() {
    local at=$1 name registered
    if ((at >= COMP_CWORD)); then
        compopt -o filenames 2>/dev/null
        _xt_reply < <(compgen -c -f -- "${COMP_WORDS[COMP_CWORD]}" | sort -u)
        return
    fi
    if declare -F _comp_command_offset >/dev/null; then
        _comp_command_offset "$at"
        return
    elif declare -F _command_offset >/dev/null; then
        _command_offset "$at"
        return
    fi
    name=${COMP_WORDS[at]##*/}
    registered=$(complete -p -- "$name" 2>/dev/null | sed -n 's/.* -F \([^ ]*\) .*/\1/p')
    COMP_WORDS=("${COMP_WORDS[@]:at}")
    COMP_CWORD=$((COMP_CWORD - at))
    COMP_LINE="${COMP_WORDS[*]}"
    COMP_POINT=${#COMP_LINE}
    if [[ $registered ]]; then
        "$registered" "$name" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    else
        _xt_files -f
    fi
}

# The same for `xt run`: `place` is the first word of the command. It counts words as readline parts them, at
# `=` and `:` too, since the command's own completion does.
_xt_parse() {
    local i=2 value
    option= place=
    while ((i < COMP_CWORD)); do
        case "${COMP_WORDS[1]} ${COMP_WORDS[i]}" in
            *" --")
                place=$((i + 1))
                return
                ;;
            "run -m" | "run --purpose" | "run -n" | "run --name" | "run -t" | "run --tag" | "run -i" | "run --input" | "run -o" | "run --output" | "run -p" | "run --param" | "run --fact" | "run --metric" | "run --metrics" | "run --ticket" | "run --as" | "run --seed" | "run --sign" | "run --docker" | "run --docker-opt" | "run -C" | "run --ci" | "run --ci-dir" | "ls -n" | "ls --number" | "ls --sort" | "ls --group-by" | "ls --columns" | "show --code" | "logs --rank" | "diff --only" | "diff --metrics" | "diff --by" | "diff --tol" | "diff --images" | "diff --format" | "diff --fail-on" | "diff --ci" | "diff --ci-dir" | "rerun --set" | "rerun --seed" | "rerun --env" | "rerun -m" | "rerun --purpose" | "rerun -n" | "rerun --name" | "rerun --on" | "rerun --on-opt" | "rerun --through" | "rerun --retries" | "verify --repeat" | "verify --against" | "verify --level" | "verify --vary" | "verify -j" | "verify --jobs" | "verify --on" | "verify --on-opt" | "verify --through" | "verify --retries" | "verify --env" | "verify --tol" | "verify --format" | "verify --ci" | "verify --ci-dir" | "audit --format" | "audit --allowed-signers" | "audit --key" | "audit --ci" | "audit --ci-dir" | "sign --key" | "baseline --name" | "baseline -m" | "baseline --message" | "restore --to" | "restore --only" | "trace --depth" | "trace --format" | "stale --format" | "stale --on" | "stale --on-opt" | "stale --retries" | "cases --against" | "cases --cohort" | "cases --by" | "cases --history" | "cases --output" | "cases -n" | "cases --number" | "cases --format" | "bundle --role" | "plot -r" | "plot --runs" | "plot --x" | "plot -o" | "plot --output" | "report -o" | "report --output" | "report --title" | "export --to" | "export -o" | "export --output" | "export --only" | "export --license" | "export --sign" | "note -m" | "note --message" | "rm -m" | "rm --message" | "gc --keep" | "gc --grace" | "deploy --to" | "deploy --prompts" | "deploy --policy" | "deploy -m" | "deploy --message" | "deploy --at" | "observe --at" | "observe --from" | "blame --since" | "rollback --to" | "rollback -m" | "rollback --message" | "push -r" | "push --remote" | "pull -r" | "pull --remote" | "fsck --from")
                option=${COMP_WORDS[i]}
                value=$((i + 1))
                # The shell parts `--input=data:x` at `=` and `:`.
                [[ ${COMP_WORDS[value]} == "=" ]] && ((value++))
                while [[ ${COMP_WORDS[value + 1]} == [:=] ]]; do ((value += 2)); done
                ((value >= COMP_CWORD)) && return
                option=
                i=$value
                ;;
            *" -"*)
                # A value that may be left out stands behind a `=`, at which the shell parts the word.
                if [[ ${COMP_WORDS[i + 1]} == "=" ]]; then
                    option=${COMP_WORDS[i]}
                    ((i + 2 >= COMP_CWORD)) && return
                    option=
                    ((i += 2))
                fi
                ;;
            *) place=${place:-$i} ;;
        esac
        [[ $place ]] && return
        ((i++))
    done
}

_xt() {
    local current=${COMP_WORDS[COMP_CWORD]} option place first nth typed quote
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        _xt_words "run ls show logs diff rerun verify audit sign baseline restore trace stale noise cases bundle plot report export tag name note rm gc du deploy observe prod blame rollback remote push pull fsck init --help --version"
        return
    fi
    _xt_split
    if [[ ${COMP_WORDS[1]} == run ]]; then _xt_parse; else _xt_scan; fi
    [[ $option ]] && current=${current#=}
    case "${COMP_WORDS[1]} $option" in
        *" ") ;;
        "run -t" | "run --tag")
            _xt_offer tag "$2"
            return
            ;;
        "run -i" | "run --input" | "run -o" | "run --output" | "run -p" | "run --param" | "run --metrics" | "run --sign" | "show --code" | "audit --allowed-signers" | "audit --key" | "sign --key" | "cases --output" | "plot -o" | "plot --output" | "report -o" | "report --output" | "export -o" | "export --output" | "export --sign" | "observe --from")
            _xt_files -f
            return
            ;;
        "run --as")
            _xt_offer task "$2"
            return
            ;;
        "run -C" | "run --ci-dir" | "diff --images" | "diff --ci-dir" | "verify --ci-dir" | "audit --ci-dir" | "restore --to")
            _xt_files -d
            return
            ;;
        "run --ci" | "diff --ci" | "verify --ci" | "audit --ci")
            _xt_words "auto off github gitlab jenkins buildkite generic"
            return
            ;;
        "ls --sort" | "ls --group-by")
            _xt_offer property "$2"
            return
            ;;
        "ls --columns")
            _xt_offer columns "$2"
            return
            ;;
        "diff --metrics")
            _xt_offer metric "$2"
            return
            ;;
        "diff --format")
            _xt_words "terminal json markdown html"
            return
            ;;
        "diff --fail-on")
            _xt_words "regression divergent incomplete"
            return
            ;;
        "rerun --env" | "verify --env")
            _xt_words "check strict recreate docker"
            return
            ;;
        "rerun --through" | "verify --through" | "push -r" | "push --remote" | "pull -r" | "pull --remote" | "fsck --from")
            _xt_offer remote "$2"
            return
            ;;
        "verify --against" | "cases --against" | "rollback --to")
            _xt_offer run "$2"
            return
            ;;
        "verify --level")
            _xt_words "identical equivalent consistent"
            return
            ;;
        "verify --format" | "audit --format")
            _xt_words "terminal json markdown junit"
            return
            ;;
        "restore --only" | "export --only")
            _xt_words "outputs inputs code logs"
            return
            ;;
        "trace --format")
            _xt_words "terminal json dot mermaid"
            return
            ;;
        "stale --format")
            _xt_words "terminal json"
            return
            ;;
        "cases --format")
            _xt_words "terminal json csv"
            return
            ;;
        "bundle --role")
            _xt_words "prompts policy"
            return
            ;;
        "plot -r" | "plot --runs")
            _xt_offer run,query "$2"
            return
            ;;
        "plot --x")
            _xt_offer axis "$2"
            return
            ;;
        "export --to")
            _xt_words "rocrate in-toto mlflow prov openlineage cyclonedx json csv parquet"
            return
            ;;
        "deploy --to")
            _xt_offer environment "$2"
            return
            ;;
        *) return ;;
    esac
    case ${COMP_WORDS[1]} in
        run)
            if [[ $place || $current != -* ]]; then
                _xt_command "${place:-$COMP_CWORD}"
                return
            fi
            _xt_words "-m --purpose -n --name -t --tag -i --input -o --output -p --param --fact --metric --metrics --ticket --as --strict --seed --sign --reuse --docker --docker-opt --per-rank -C -q --quiet --ci --ci-dir -h --help"
            ;;
        ls)
            if [[ $current != -* ]]; then
                case $nth in
                    *) _xt_offer query "$2" ;;
                esac
                return
            fi
            _xt_words "-n --number -a --all --sort --reverse --group-by --group --columns --json --csv -h --help"
            ;;
        show)
            if [[ $current != -* ]]; then
                case $nth in
                    1) _xt_offer run "$2" ;;
                esac
                return
            fi
            _xt_words "--json --code -h --help"
            ;;
        logs)
            if [[ $current != -* ]]; then
                case $nth in
                    1) _xt_offer run "$2" ;;
                esac
                return
            fi
            _xt_words "--stdout --stderr --rank -f --follow -t --times --raw --replay -h --help"
            ;;
        diff)
            if [[ $current != -* ]]; then
                case $nth in
                    1) _xt_offer run "$2" ;;
                    2) _xt_offer run "$2" ;;
                esac
                return
            fi
            _xt_words "--code --no-code --stat --word-diff --only --metrics --by --tol --logs --images --explain --format --json --exit-code --fail-on --ci --ci-dir -h --help"
            ;;
        rerun)
            if [[ $current != -* ]]; then
                case $nth in
                    1) _xt_offer run "$2" ;;
                esac
                return
            fi
            _xt_words "--set --seed --env --in-place --keep-workspace -m --purpose -n --name --on --on-opt --through --retries -q --quiet -h --help"
            ;;
        verify)
            if [[ $current != -* ]]; then
                case $nth in
                    *) _xt_offer run "$2" ;;
                esac
                return
            fi
            _xt_words "--repeat --against --level --vary -j --jobs --on --on-opt --through --retries --env --tol --early-stop --no-early-stop --diagnose --no-diagnose --explain --format --json --ci --ci-dir -h --help"
            ;;
        audit)
            if [[ $current != -* ]]; then
                case $nth in
                    1) _xt_offer run "$2" ;;
                esac
                return
            fi
            _xt_words "--all --format --json --signature --allowed-signers --key --ci --ci-dir -h --help"
            ;;
        sign)
            if [[ $current != -* ]]; then
                case $nth in
                    1) _xt_offer run "$2" ;;
                esac
                return
            fi
            _xt_words "--key -h --help"
            ;;
        baseline)
            if [[ $current != -* ]]; then
                case $nth in
                    1) _xt_words "set show history rm" ;;
                    2) [[ $first == @(set) ]] && _xt_offer run "$2" ;;
                esac
                return
            fi
            _xt_words "--name -m --message --json -h --help"
            ;;
        restore)
            if [[ $current != -* ]]; then
                case $nth in
                    1) _xt_offer run "$2" ;;
                    *) _xt_files -f ;;
                esac
                return
            fi
            _xt_words "--to --only -f --force --json -h --help"
            ;;
        trace)
            if [[ $current != -* ]]; then
                case $nth in
                    1) _xt_offer_files run "$2" ;;
                esac
                return
            fi
            _xt_words "--up --down --depth --format --json -h --help"
            ;;
        stale)
            if [[ $current != -* ]]; then
                case $nth in
                    *) _xt_offer run,query "$2" ;;
                esac
                return
            fi
            _xt_words "--baseline --format --json --run -y --yes --on --on-opt --retries -h --help"
            ;;
        noise)
            if [[ $current != -* ]]; then
                case $nth in
                    1) _xt_offer run "$2" ;;
                esac
                return
            fi
            _xt_words "--all --json -h --help"
            ;;
        cases)
            if [[ $current != -* ]]; then
                case $nth in
                    1) _xt_offer run "$2" ;;
                esac
                return
            fi
            _xt_words "--failed --broken --fixed --against --cohort --by --history --output -n --number --format --json -h --help"
            ;;
        bundle)
            if [[ $current != -* ]]; then
                case $nth in
                    1) _xt_words "ls show diff" ;;
                    3) _xt_files -f ;;
                esac
                return
            fi
            _xt_words "--role --text --json --exit-code -h --help"
            ;;
        plot)
            if [[ $current != -* ]]; then
                case $nth in
                    *) _xt_offer metric,run "$2" ;;
                esac
                return
            fi
            _xt_words "-r --runs --x -o --output --force --json -h --help"
            ;;
        report)
            if [[ $current != -* ]]; then
                case $nth in
                    *) _xt_offer run,query "$2" ;;
                esac
                return
            fi
            _xt_words "-o --output --title --force -h --help"
            ;;
        export)
            if [[ $current != -* ]]; then
                case $nth in
                    *) _xt_offer run,query "$2" ;;
                esac
                return
            fi
            _xt_words "--to -o --output --force --only --identify --license --sign --json -h --help"
            ;;
        tag)
            if [[ $current != -* ]]; then
                case $nth in
                    1) _xt_offer run "$2" ;;
                    *) _xt_offer tag "$2" ;;
                esac
                return
            fi
            _xt_words "-d --off -h --help"
            ;;
        name)
            if [[ $current != -* ]]; then
                case $nth in
                    1) _xt_offer run "$2" ;;
                esac
                return
            fi
            _xt_words "-d --off -h --help"
            ;;
        note)
            if [[ $current != -* ]]; then
                case $nth in
                    1) _xt_offer run "$2" ;;
                esac
                return
            fi
            _xt_words "-m --message --json -h --help"
            ;;
        rm)
            if [[ $current != -* ]]; then
                case $nth in
                    *) _xt_offer run "$2" ;;
                esac
                return
            fi
            _xt_words "-m --message --undo --force -h --help"
            ;;
        gc)
            _xt_words "--dry-run -n --keep --rules --grace --all --json -h --help"
            ;;
        du)
            if [[ $current != -* ]]; then
                case $nth in
                    *) _xt_offer run "$2" ;;
                esac
                return
            fi
            _xt_words "--runs --all --json -h --help"
            ;;
        deploy)
            if [[ $current != -* ]]; then
                case $nth in
                    1) _xt_offer_files run,output "$2" ;;
                esac
                return
            fi
            _xt_words "--to --prompts --policy -m --message -f --force --no-hook --at --json -h --help"
            ;;
        observe)
            if [[ $current != -* ]]; then
                case $nth in
                    1) _xt_offer environment "$2" ;;
                esac
                return
            fi
            _xt_words "--at --from --json -h --help"
            ;;
        prod)
            if [[ $current != -* ]]; then
                case $nth in
                    1) _xt_offer environment "$2" ;;
                esac
                return
            fi
            _xt_words "--json -h --help"
            ;;
        blame)
            if [[ $current != -* ]]; then
                case $nth in
                    1) _xt_offer environment "$2" ;;
                    2) _xt_offer observed "$2" ;;
                esac
                return
            fi
            _xt_words "--since --json -h --help"
            ;;
        rollback)
            if [[ $current != -* ]]; then
                case $nth in
                    1) _xt_offer environment "$2" ;;
                esac
                return
            fi
            _xt_words "--to -m --message -f --force --no-hook --json -h --help"
            ;;
        remote)
            if [[ $current != -* ]]; then
                case $nth in
                    1) _xt_words "ls add rm trust probe status" ;;
                    2) _xt_offer remote "$2" ;;
                esac
                return
            fi
            _xt_words "--yes -y --no-probe --check --json -h --help"
            ;;
        push)
            if [[ $current != -* ]]; then
                case $nth in
                    *) _xt_offer run,query "$2" ;;
                esac
                return
            fi
            _xt_words "-r --remote --code --inputs --outputs --allow-secrets --json -h --help"
            ;;
        pull)
            if [[ $current != -* ]]; then
                case $nth in
                    *) _xt_offer run,query "$2" ;;
                esac
                return
            fi
            _xt_words "-r --remote --code --inputs --outputs --json -h --help"
            ;;
        fsck)
            _xt_words "--repair --deep --from --json -h --help"
            ;;
        init)
            _xt_words "-h --help"
            ;;
    esac
}

complete -F _xt xt
