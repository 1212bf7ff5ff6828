// What each shell is told: to ask us. The scripts know nothing of verbs and options, so they never grow old.

const bash = `# bash completion for mcr-appliance
_mcr_appliance() {
  local line=\${COMP_LINE:0:COMP_POINT} words word summary before
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  local typed=\${words[-1]}
  # bash replaces only what stands behind the last of these.
  before=\${typed%"\${typed##*[:=]}"}
  COMPREPLY=()
  while IFS=$'\\t' read -r word summary; do
    if [[ $word == :files ]]; then
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "\${typed#"$before"}")
      return
    fi
    [[ $word == "$typed"* ]] && COMPREPLY+=("$(printf %q "\${word#"$before"}")")
  done < <("$1" complete -- "\${words[@]:1}" 2>/dev/null)
}
complete -F _mcr_appliance mcr-appliance
`;

const zsh = `#compdef mcr-appliance
# zsh completion for mcr-appliance
_mcr_appliance() {
  local word summary files
  local -a values shown
  while IFS=$'\\t' read -r word summary; do
    if [[ $word == :files ]]; then
      files=1
    else
      values+=("$word")
      shown+=("$word\${summary:+  -- $summary}")
    fi
  done < <("\${words[1]}" complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if [[ -n $files ]]; then
    _files
  else
    compadd -l -d shown -a values
  fi
}
if [[ $funcstack[1] == _mcr_appliance ]]; then
  _mcr_appliance "$@"
else
  compdef _mcr_appliance mcr-appliance
fi
`;

const fish = `# fish completion for mcr-appliance
function __mcr_appliance_complete
    set -l words (commandline -opc)
    set -l typed (commandline -ct)
    set -l lines ($words[1] complete -- $words[2..-1] "$typed" 2>/dev/null)
    if test "$lines[1]" = :files
        __fish_complete_path "$typed"
    else
        printf '%s\\n' $lines
    end
end
complete -c mcr-appliance -f -a '(__mcr_appliance_complete)'
`;

/** A script for each shell. */
export const scripts: Readonly<Record<string, string>> = { bash, zsh, fish };
