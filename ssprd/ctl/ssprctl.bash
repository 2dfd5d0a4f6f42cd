# SPDX-License-Identifier: LGPL-2.1-or-later
# bash completion of ssprctl(8)

# What may follow the words typed so far.
_ssprctl_next() {
	case $1 in
	'') echo init check status user pass limits audit pending clock entra pam version help ;;
	help) echo init check status user pass limits audit pending clock entra pam version ;;
	user | 'help user') echo add show list remove unlock check enrol ;;
	limits | 'help limits') echo clear ;;
	pass | 'help pass') echo issue list revoke ;;
	entra | 'help entra') echo setup check ;;
	clock | 'help clock') echo accept ;;
	pam | 'help pam') echo check ;;
	init) echo --encrypt ;;
	check) echo --config ;;
	'user enrol') echo --authenticator --qr --email --mobile --office --recovery-codes ;;
	'limits clear') echo --seat --all ;;
	'pass issue') echo --verified --minutes ;;
	'entra setup') echo --directory --domain --group --unit --config ;;
	'entra check') echo --directory ;;
	audit) echo --user --since --verify ;;
	esac
}

_ssprctl() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} i typed=()

	case $before in
	--config | --socket) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
	--user | add | show | remove | unlock | enrol | issue | revoke | clear) mapfile -t COMPREPLY < <(compgen -u -- "$word"); return ;;
	--email | --mobile | --office | --verified | --minutes | --seat | --since | --directory | --domain | --group | --unit) return ;;
	esac
	# The name of a user: "check" is also what is done to a configuration, a PAM stack and a tenant.
	case ${COMP_WORDS[*]:1:COMP_CWORD-1} in
	'user check' | 'entra check') mapfile -t COMPREPLY < <(compgen -u -W '--directory --json' -- "$word"); return ;;
	esac
	for ((i = 1; i < COMP_CWORD && ${#typed[@]} < 2; i++)); do
		case ${COMP_WORDS[i]} in
		--socket) ((i++)) ;;
		-*) ;;
		*) typed+=("${COMP_WORDS[i]}") ;;
		esac
	done
	mapfile -t COMPREPLY < <(compgen -W "$(_ssprctl_next "${typed[*]}") --json --socket --help --version" -- "$word")
}
complete -F _ssprctl ssprctl
