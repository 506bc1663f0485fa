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

_xt_runs() {
    # The newest runs by id; what a purpose spreads over lines does not look like one.
    printf '%s\n' @ @~1 baseline
    xt ls -n 50 --csv 2>/dev/null | sed -n 's/^\([k-z]\{16\}\),.*/\1/p'
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

# Sets `option` when its value is being completed, and `place` to the first word that is no option.
_xt_parse() {
    local i=2 value
    option= place=
    while ((i < COMP_CWORD)); do
        case "${COMP_WORDS[1]} ${COMP_WORDS[i]}" in
            *" --")
                place=$((i + 1))
                return
                ;;
            "run -m" | "run --purpose" | "run -n" | "run --name" | "run -t" | "run --tag" | "run -i" | "run --input" | "run -o" | "run --output" | "run -p" | "run --param" | "run --fact" | "run --metric" | "run --ticket" | "run --as" | "run --seed" | "run -C" | "ls -n" | "ls --number" | "ls --sort" | "ls --group-by" | "ls --columns" | "show --code" | "diff --only" | "diff --metrics" | "diff --by" | "diff --tol" | "diff --images" | "diff --format" | "rerun --set" | "rerun --seed" | "rerun --env" | "rerun -m" | "rerun --purpose" | "rerun -n" | "rerun --name" | "verify --repeat" | "verify --against" | "verify --level" | "verify --vary" | "verify -j" | "verify --jobs" | "verify --env" | "verify --tol" | "verify --format" | "audit --format" | "baseline --name" | "baseline -m" | "baseline --message" | "restore --to" | "restore --only" | "plot -r" | "plot --runs" | "plot --x" | "plot -o" | "plot --output" | "report -o" | "report --output" | "report --title" | "note -m" | "note --message" | "rm -m" | "rm --message" | "deploy --to" | "deploy --prompts" | "deploy --policy" | "deploy -m" | "deploy --message" | "deploy --at" | "observe --at" | "observe --from" | "blame --since" | "rollback --to" | "rollback -m" | "rollback --message")
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
        [[ $place && ${COMP_WORDS[1]} == run ]] && return
        ((i++))
    done
}

_xt() {
    local current=${COMP_WORDS[COMP_CWORD]} option place
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        _xt_words "run ls show logs diff rerun verify audit baseline restore noise plot report tag name note rm deploy observe prod blame rollback init --help --version"
        return
    fi
    _xt_parse
    case $option in
        "") ;;
        -i | --input | -o | --output | -p | --param | --code)
            _xt_files -f
            return
            ;;
        -C)
            _xt_files -d
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
            _xt_words "-m --purpose -n --name -t --tag -i --input -o --output -p --param --fact --metric --ticket --as --strict --seed --reuse -C -q --quiet -h --help"
            ;;
        ls)
            _xt_words "-n --number -a --all --sort --reverse --group-by --columns --json --csv -h --help"
            ;;
        show)
            if [[ $current != -* ]]; then
                _xt_words "$(_xt_runs)"
                return
            fi
            _xt_words "--json --code -h --help"
            ;;
        logs)
            if [[ $current != -* ]]; then
                _xt_words "$(_xt_runs)"
                return
            fi
            _xt_words "--stdout --stderr -f --follow -t --times --raw --replay -h --help"
            ;;
        diff)
            _xt_words "--code --no-code --stat --word-diff --only --metrics --by --tol --logs --images --explain --format --json --exit-code -h --help"
            ;;
        rerun)
            if [[ $current != -* ]]; then
                _xt_words "$(_xt_runs)"
                return
            fi
            _xt_words "--set --seed --env --in-place --keep-workspace -m --purpose -n --name -q --quiet -h --help"
            ;;
        verify)
            _xt_words "--repeat --against --level --vary -j --jobs --env --tol --early-stop --no-early-stop --diagnose --no-diagnose --explain --format --json -h --help"
            ;;
        audit)
            if [[ $current != -* ]]; then
                _xt_words "$(_xt_runs)"
                return
            fi
            _xt_words "--all --format --json -h --help"
            ;;
        baseline)
            if [[ $place && ${COMP_WORDS[place]} == set ]]; then
                _xt_words "$(_xt_runs)"
                return
            fi
            if [[ $place ]]; then
                :
                return
            fi
            _xt_words "set show history rm --name -m --message --json -h --help"
            ;;
        restore)
            if [[ $current != -* ]]; then
                _xt_words "$(_xt_runs)"
                return
            fi
            _xt_words "--to --only -f --force --json -h --help"
            ;;
        noise)
            if [[ $current != -* ]]; then
                _xt_words "$(_xt_runs)"
                return
            fi
            _xt_words "--all --json -h --help"
            ;;
        plot)
            _xt_words "-r --runs --x -o --output --force --json -h --help"
            ;;
        report)
            _xt_words "-o --output --title --force -h --help"
            ;;
        tag)
            if [[ $current != -* ]]; then
                _xt_words "$(_xt_runs)"
                return
            fi
            _xt_words "-d --off -h --help"
            ;;
        name)
            if [[ $current != -* ]]; then
                _xt_words "$(_xt_runs)"
                return
            fi
            _xt_words "-d --off -h --help"
            ;;
        note)
            if [[ $current != -* ]]; then
                _xt_words "$(_xt_runs)"
                return
            fi
            _xt_words "-m --message --json -h --help"
            ;;
        rm)
            _xt_words "-m --message --undo --force -h --help"
            ;;
        deploy)
            _xt_words "--to --prompts --policy -m --message -f --force --no-hook --at --json -h --help"
            ;;
        observe)
            _xt_words "--at --from --json -h --help"
            ;;
        prod)
            _xt_words "--json -h --help"
            ;;
        blame)
            _xt_words "--since --json -h --help"
            ;;
        rollback)
            _xt_words "--to -m --message -f --force --no-hook --json -h --help"
            ;;
        init)
            _xt_words "-h --help"
            ;;
    esac
}

complete -F _xt xt
