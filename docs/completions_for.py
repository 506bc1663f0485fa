"""Completion scripts for bash, zsh and fish, made from the commands as they are declared."""

from __future__ import annotations

from typing import Any

from xt.model.files import INPUT_ROLES, OUTPUT_ROLES

MARK = "Written by docs/generate.py from the code; a test fails when it is stale."
#: Options whose value is a path, maybe behind a role.
PATHS = frozenset(("--input", "--output", "--param"))
#: Options whose value is a folder.
FOLDERS = frozenset(("-C",))
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
        [[ $place && ${COMP_WORDS[1]} == run ]] && return
        ((i++))
    done
}

_xt() {
    local current=${COMP_WORDS[COMP_CWORD]} option place
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        _xt_words "@COMMANDS@ --help --version"
        return
    fi
    _xt_parse
    case $option in
        "") ;;
        @PATHS@)
            _xt_files -f
            return
            ;;
        @FOLDERS@)
            _xt_files -d
            return
            ;;
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

_xt_runs() {
  local -a runs
  runs=(@ @~1 baseline ${(f)"$(xt ls -n 50 --csv 2>/dev/null | sed -n 's/^\([k-z]\{16\}\),.*/\1/p')"})
  compadd -V runs -a runs
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

function __xt_runs
    printf '%s\n' @ @~1 baseline
    xt ls -n 50 --csv 2>/dev/null | string match -rg '^([k-z]{16}),'
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
    for name, command in commands.items():
        words = " ".join([word for option in _options(command) for word in _words(option)] + ["-h", "--help"])
        lines: list[str] = []
        if name == "run":
            lines += _when("$place || $current != -*", '_xt_command "${place:-$COMP_CWORD}"')
        elif choices := _choices(command):
            words = f"{' '.join(choices)} {words}"
            lines += _when("$place && ${COMP_WORDS[place]} == set", '_xt_words "$(_xt_runs)"')
            lines += _when("$place", ":")
        elif _takes_run(command):
            lines += _when("$current != -*", '_xt_words "$(_xt_runs)"')
        lines.append(f'_xt_words "{words}"')
        cases += [f"        {name})", *(f"            {line}" for line in lines), "            ;;"]
    values = [f'"{name} {word}"' for name, command in commands.items() for word in _with_value(command)]
    every = [option for command in commands.values() for option in _options(command)]
    return _filled(
        BASH,
        COMMANDS=" ".join(commands),
        VALUES=" | ".join(values),
        PATHS=" | ".join(
            dict.fromkeys(word for option in every if _is_path(option) for word in _words(option))
        ),
        FOLDERS=" | ".join(FOLDERS),
        CASES="\n".join(cases),
    )


def _when(test: str, action: str) -> list[str]:
    """Do something, and be done."""
    return [f"if [[ {test} ]]; then", f"    {action}", "    return", "fi"]


def zsh(commands: dict[str, Any]) -> str:
    cases = []
    for name, command in commands.items():
        specs = [spec for option in _options(command) for spec in _zsh_specs(option)]
        specs.append("'(- *)'{-h,--help}'[Show the options and exit]'")
        if name == "run":
            specs += ["'(-)1:command: _command_names -e'", "'*::arguments: _normal'"]
        elif choices := _choices(command):
            specs += [f"'1:action:({' '.join(choices)})'", "'2:run:_xt_runs'"]
        elif _takes_run(command):
            specs.append("'1:run:_xt_runs'")
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


def _zsh_specs(option: Any) -> list[str]:
    """An option as `_arguments` takes it, one specification for each spelling."""
    about = (option.help or "").rstrip(".").replace("[", "\\[").replace("]", "\\]")
    head = "*" if option.multiple else f"({' '.join(_words(option))})" if len(_words(option)) > 1 else ""
    value = ""
    if choices := _optional(option):
        value = f"::value:({' '.join(choices)})"
    elif not option.is_flag:
        value = ":path:_xt_path" if _is_path(option) else ":value:"
    if FOLDERS.intersection(_words(option)):
        value = ":folder:_files -/"
    equals = "=-" if _optional(option) else "="
    joined = [equals if word.startswith("--") and value else "" for word in _words(option)]
    return [
        _quoted(f"{head}{word}{equals}[{about}]{value}")
        for word, equals in zip(_words(option), joined, strict=True)
    ]


def fish(commands: dict[str, Any]) -> str:
    lines = [
        f"complete -c xt -n __fish_use_subcommand -a {name} -d {_quoted(_about(command))}"
        for name, command in commands.items()
    ]
    lines.append("complete -c xt -n __fish_use_subcommand -l version -d 'Print the version and exit'")
    lines.append("complete -c xt -n __fish_use_subcommand -s h -l help -d 'Show the commands and exit'")
    for name, command in commands.items():
        here = f"complete -c xt -n '__xt_options {name}'"
        for option in _options(command):
            words = [f"-{'l' if word[:2] == '--' else 's'} {word.lstrip('-')}" for word in _words(option)]
            value = "" if option.is_flag or _optional(option) else " -rF" if _is_path(option) else " -x"
            if FOLDERS.intersection(_words(option)):
                value = " -xa '(__fish_complete_directories)'"
            lines.append(f"{here} {' '.join(words)}{value} -d {_quoted((option.help or '').rstrip('.'))}")
        lines.append(f"{here} -s h -l help -d 'Show the options and exit'")
        if choices := _choices(command):
            words = " ".join(choices)
            seen = "__fish_seen_subcommand_from"
            lines.append(f"{here[:-1]}; and not {seen} {words}' -a '{words}'")
            lines.append(f"{here[:-1]}; and {seen} set' -ka '(__xt_runs)'")
        elif _takes_run(command):
            lines.append(f"{here} -ka '(__xt_runs)'")
    lines.append("complete -c xt -n '__xt_inner >/dev/null' -a '(__xt_complete_inner)'")
    return _filled(FISH, VALUES=" ".join(_with_value(commands["run"])), COMPLETES="\n".join(lines))


def _filled(template: str, **values: str) -> str:
    for name, value in {"MARK": MARK, **values}.items():
        template = template.replace(f"@{name}@", value)
    return template


def _options(command: Any) -> list[Any]:
    return [param for param in command.params if param.param_type_name == "option" and not param.hidden]


def _with_value(command: Any) -> list[str]:
    return [
        word
        for option in _options(command)
        if not option.is_flag and not _optional(option)
        for word in _words(option)
    ]


def _optional(option: Any) -> list[str]:
    """The values of an option that may be left out, which then can only stand behind a `=`."""
    shown = option.metavar or ""
    return shown[2:-1].split("|") if shown.startswith("[=") else []


def _choices(command: Any) -> list[str]:
    """What its first argument can be, when that is one of a few words."""
    first = next((param for param in command.params if param.param_type_name == "argument"), None)
    return list(getattr(first.type, "choices", None) or []) if first else []


def _takes_run(command: Any) -> bool:
    return any(param.name == "reference" for param in command.params)


def _is_path(option: Any) -> bool:
    return not PATHS.isdisjoint(_words(option)) or option.metavar == "PATH"


def _about(command: Any) -> str:
    return (command.help or "").strip().splitlines()[0].rstrip(".")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _words(option: Any) -> list[str]:
    """All spellings of an option, `--no-…` among them."""
    return [*option.opts, *option.secondary_opts]
