"""Completion scripts for bash, zsh and fish, made from the commands as they are declared."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from xt.model.files import INPUT_ROLES, OUTPUT_ROLES

sys.path.insert(0, str(Path(__file__).resolve().parent))
from taking import (
    arguments,
    choices,
    is_folder,
    is_many,
    is_path,
    kinds,
    only_for,
    optional,
    options,
    spellings,
    with_value,
)

MARK = "Written by docs/generate.py from the code; a test fails when it is stale."
ROLES = tuple(dict.fromkeys((*INPUT_ROLES, *OUTPUT_ROLES)))

BASH = r"""# @MARK@
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
            @VALUES@)
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
            @VALUES@)
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
        _xt_words "@COMMANDS@ --help --version"
        return
    fi
    _xt_split
    if [[ ${COMP_WORDS[1]} == run ]]; then _xt_parse; else _xt_scan; fi
    [[ $option ]] && current=${current#=}
    case "${COMP_WORDS[1]} $option" in
        *" ") ;;
@OPTIONS@
        *) return ;;
    esac
    case ${COMP_WORDS[1]} in
@CASES@
    esac
}

complete -F _xt xt
"""

ZSH = r"""#compdef xt
# @MARK@

# Offers what xt knows. $1: kinds of values; $2: `files` for paths too.
_xt_offer() {
  local line text about
  local -a whole shown open opened long
  for line in "${(@f)$(xt complete $1 "${(Q)PREFIX}" 2>/dev/null)}"; do
    [[ -n $line ]] || continue
    text=${line%%$'\t'*} about=${line#*$'\t'}
    [[ -n $about ]] && long=(-l)
    if [[ $text == *[.:=\<\>] ]]; then
      open+=("$text") opened+=("$text${about:+  -- $about}")
    else
      whole+=("$text") shown+=("$text${about:+  -- $about}")
    fi
  done
  (( $#whole )) && compadd -V xt $long -d shown -a whole
  (( $#open )) && compadd -V xt-open -S '' $long -d opened -a open
  [[ $2 == files ]] && _files
  return 0
}

_xt_path() {
  compset -P '(@ROLES@):'
  _files
}

_xt() {
  local -a commands
  commands=(
@DESCRIBED@
  )
  if (( CURRENT == 2 )); then
    if [[ $PREFIX == -* ]]; then
      compadd -- --help --version
    else
      _describe -t commands command commands
    fi
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
@CASES@
  esac
}

if [[ $funcstack[1] == _xt ]]; then
  _xt "$@"
else
  compdef _xt xt
fi
"""

FISH = r"""# @MARK@

# After `xt run` and its options: the words of the command so far, one a line. Fails while options are typed.
function __xt_inner
    set -l words (commandline -opc)
    test "$words[2]" = run; or return 1
    set -e words[1..2]
    while set -q words[1]
        switch $words[1]
            case --
                set -e words[1]
                set -q words[1]; and string escape -- $words
                return 0
            case @VALUES@
                set -q words[2]; or return 1
                set -e words[1..2]
            case '-*'
                set -e words[1]
            case '*'
                string escape -- $words
                return 0
        end
    end
    not string match -q -- '-*' (commandline -ct)
end

function __xt_complete_inner
    set -l words (__xt_inner); or return 1
    complete -C "$words $(commandline -ct)"
end

# What xt knows for the word being typed. `<` and `>` at its end would be followed by a space.
function __xt_offer --argument-names kinds
    set -l word (commandline -ct | string replace -r -- '^--[a-z-]+=' '')
    set -l plain (string unescape -- $word 2>/dev/null)
    or set plain (string replace -r -- '^[\'"]' '' "$word")
    xt complete $kinds "$plain" 2>/dev/null | string match -vr -- '^[^\t]*[<>]\t'
end

# Whether the argument of that number is being typed; with `more`, it or a later one.
function __xt_at --argument-names command position more
    __xt_options $command; or return 1
    set -l words (commandline -opc)
    set -l nth 1
    set -e words[1..2]
    while set -q words[1]
        if contains -- "$command $words[1]" @EVERY@
            set -e words[1]
        else if not string match -q -- '-*' "$words[1]"
            set nth (math $nth + 1)
        end
        set -q words[1]; and set -e words[1]
    end
    test $nth -eq $position; or test "$more" = more -a $nth -gt $position
end

function __xt_options --argument-names command
    contains -- $command (commandline -opc)[2]
    and not begin
        test $command = run; and __xt_inner >/dev/null
    end
end

complete -c xt -f
@COMPLETES@
"""


def bash(commands: dict[str, Any]) -> str:
    cases = []
    values = []
    taken: dict[str, list[str]] = {}
    for name, command in commands.items():
        words = " ".join(
            [word for option in options(command) for word in spellings(option)] + ["-h", "--help"]
        )
        lines: list[str] = []
        if name == "run":
            lines += _when("$place || $current != -*", '_xt_command "${place:-$COMP_CWORD}"')
        elif places := [line for place in enumerate(arguments(command), 1) for line in _bash_place(*place)]:
            lines += ["if [[ $current != -* ]]; then", "    case $nth in"]
            lines += [*(f"        {line}" for line in places), "    esac", "    return", "fi"]
        lines.append(f'_xt_words "{words}"')
        cases += [f"        {name})", *(f"            {line}" for line in lines), "            ;;"]
        for option in options(command):
            if with_value(option):
                named = [f'"{name} {word}"' for word in spellings(option)]
                values += named
                if action := _bash_action(option):
                    taken.setdefault(action, []).extend(named)
    offered = [
        line
        for action, named in taken.items()
        for line in (
            f"        {' | '.join(named)})",
            f"            {action}",
            "            return",
            "            ;;",
        )
    ]
    return _filled(
        BASH,
        COMMANDS=" ".join(commands),
        VALUES=" | ".join(values),
        OPTIONS="\n".join(offered),
        CASES="\n".join(cases),
    )


def _bash_place(number: int, argument: Any) -> list[str]:
    """A branch for the argument of a number; nothing where nothing is known."""
    action = _bash_action(argument)
    if words := only_for(argument):
        action = f"[[ $first == @({'|'.join(words)}) ]] && {action}"
    pattern = "*" if is_many(argument) else str(number)
    return [f"{pattern}) {action} ;;"] if _bash_action(argument) else []


def _bash_action(param: Any) -> str:
    if words := choices(param):
        return f'_xt_words "{" ".join(words)}"'
    if asked := kinds(param):
        return f'_xt_offer{"_files" if is_path(param) else ""} {asked} "$2"'
    return "_xt_files -f" if is_path(param) else "_xt_files -d" if is_folder(param) else ""


def _when(test: str, action: str) -> list[str]:
    """Do something, and be done."""
    return [f"if [[ {test} ]]; then", f"    {action}", "    return", "fi"]


def zsh(commands: dict[str, Any]) -> str:
    cases = []
    for name, command in commands.items():
        specs = [spec for option in options(command) for spec in _zsh_specs(option)]
        specs.append("'(- *)'{-h,--help}'[Show the options and exit]'")
        if name == "run":
            specs += ["'(-)1:command: _command_names -e'", "'*::arguments: _normal'"]
        else:
            specs += [_zsh_place(*place) for place in enumerate(arguments(command), 1)]
        first = "_arguments -S -A '-*'" if name == "run" else "_arguments -S"
        cases += [f"    {name})", "      " + " \\\n        ".join([first, *specs]), "      ;;"]
    described = [
        _quoted(f"{name}:{_about(command)}".replace(": ", "\\: ")) for name, command in commands.items()
    ]
    return _filled(
        ZSH,
        ROLES="|".join(ROLES),
        DESCRIBED="\n".join(f"    {text}" for text in described),
        CASES="\n".join(cases),
    )


def _zsh_place(number: int, argument: Any) -> str:
    action = _zsh_action(argument) or " "
    if words := only_for(argument):
        action = f"{{(( $words[(I)({'|'.join(words)})] )) && {action.strip()}}}"
    return _quoted(f"{'*' if is_many(argument) else number}:{argument.name}:{action}")


def _zsh_action(param: Any) -> str:
    if words := choices(param):
        return f"({' '.join(words)})"
    if asked := kinds(param):
        # A blank in front: it is called with these words alone.
        return f" _xt_offer {asked}{' files' if is_path(param) else ''}"
    if is_path(param):
        return "_xt_path" if param.param_type_name == "option" else "_files"
    return "_files -/" if is_folder(param) else ""


def _zsh_specs(option: Any) -> list[str]:
    """An option as `_arguments` takes it, one specification for each spelling."""
    about = (option.help or "").rstrip(".").replace("[", "\\[").replace("]", "\\]")
    words = spellings(option)
    head = "*" if option.multiple else f"({' '.join(words)})" if len(words) > 1 else ""
    value = ""
    if listed := optional(option):
        value = f"::value:({' '.join(listed)})"
    elif not option.is_flag:
        value = f":value:{_zsh_action(option)}"
    equals = "=-" if optional(option) else "="
    joined = [equals if word.startswith("--") and value else "" for word in words]
    return [
        _quoted(f"{head}{word}{equals}[{about}]{value}") for word, equals in zip(words, joined, strict=True)
    ]


def fish(commands: dict[str, Any]) -> str:
    lines = [
        f"complete -c xt -n __fish_use_subcommand -a {name} -d {_quoted(_about(command))}"
        for name, command in commands.items()
    ]
    lines.append("complete -c xt -n __fish_use_subcommand -l version -d 'Print the version and exit'")
    lines.append("complete -c xt -n __fish_use_subcommand -s h -l help -d 'Show the commands and exit'")
    every = []
    for name, command in commands.items():
        here = f"complete -c xt -n '__xt_options {name}'"
        for option in options(command):
            words = [f"-{'l' if word[:2] == '--' else 's'} {word.lstrip('-')}" for word in spellings(option)]
            value = f" {_fish_value(option)}" if with_value(option) else ""
            lines.append(f"{here} {' '.join(words)}{value} -d {_quoted((option.help or '').rstrip('.'))}")
            every += [_quoted(f"{name} {word}") for word in spellings(option) if with_value(option)]
        lines.append(f"{here} -s h -l help -d 'Show the options and exit'")
        for number, argument in enumerate(arguments(command), 1):
            if name != "run" and (taken := _fish_taken(argument)):
                test = f"__xt_at {name} {number}{' more' if is_many(argument) else ''}"
                if words := only_for(argument):
                    test += f"; and __fish_seen_subcommand_from {' '.join(words)}"
                lines += [f"complete -c xt -n '{test}' {one}" for one in taken]
    lines.append("complete -c xt -n '__xt_inner >/dev/null' -a '(__xt_complete_inner)'")
    inner = [word for option in options(commands["run"]) if with_value(option) for word in spellings(option)]
    return _filled(FISH, VALUES=" ".join(inner), EVERY=" ".join(every), COMPLETES="\n".join(lines))


def _fish_value(option: Any) -> str:
    taken = _fish_taken(option)
    if not taken:
        return "-x"
    # `-r`: a value follows; `-x`: and no path is offered for it.
    return " ".join(["-r", *taken]) if "-F" in taken else f"-x {taken[0]}"


def _fish_taken(param: Any) -> list[str]:
    """Flags of `complete` that say what a parameter is."""
    found = []
    if words := choices(param):
        found.append(f"-a {_quoted(' '.join(words))}")
    elif asked := kinds(param):
        found.append(f"-ka '(__xt_offer {asked})'")
    elif is_folder(param):
        found.append("-a '(__fish_complete_directories)'")
    return [*found, *(["-F"] if is_path(param) else [])]


def _filled(template: str, **values: str) -> str:
    for name, value in {"MARK": MARK, **values}.items():
        template = template.replace(f"@{name}@", value)
    return template


def _about(command: Any) -> str:
    return (command.help or "").strip().splitlines()[0].rstrip(".")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
