#!/usr/bin/env bash
# Lets this project reset passwords in a Microsoft Entra tenant: registers the application that ssprd-net(8) is there, with the
# permissions it needs and no more. Printed by: ssprctl entra setup
#
#  1. Read this file, and change the settings below where they do not fit.
#  2. Take it to a machine with bash, openssl and the Azure CLI (az). It need not be one where people log in.
#  3. Run it:  bash setup.sh
#     It opens a sign-in. Sign in as a Global Administrator, or as somebody who is both Privileged Role Administrator and
#     Application Administrator. Nothing of that sign-in is kept for ssprd.
#  4. Do what it tells at its end: a piece of configuration, and one credential for each machine where passwords are reset.
#
# What it does in the tenant: an application of this tenant alone, with a certificate of its own (the key does not leave this machine
# by it); its service principal; the permissions listed below; an administrative unit, and the role Password Administrator for that
# unit. It deletes nothing. It may be run again: what is there already stays as it is.
#
# To renew the certificate later: set credential='sspr-NAME-certificate-next' and application='APPLICATION' below, run this again, and put
# that file beside the first one. Both work. Then let the new one take the place of the old one, and take the old one out of the application:
#     az ad app credential list --id APPLICATION --cert
#     az ad app credential delete --id APPLICATION --cert --key-id KEY
set -euo pipefail
umask 077

#@SETTINGS@

# ---- the rest needs no change ----

say() { printf '%s\n' "$*" >&2; }
die() { say "setup: $*"; exit 1; }

# az has no cloud of its own for dod-graph: who works there signs in at AzureUSGovernment, and is asked about by this host.
case $cloud in
global) az_cloud=AzureCloud graph=https://graph.microsoft.com ;;
us-gov) az_cloud=AzureUSGovernment graph=https://graph.microsoft.us ;;
us-dod) az_cloud=AzureUSGovernment graph=https://dod-graph.microsoft.us ;;
china) az_cloud=AzureChinaCloud graph=https://microsoftgraph.chinacloudapi.cn ;;
*) die "cloud='$cloud': must be global, us-gov, us-dod or china" ;;
esac
case $reach in unit | tenant) ;; *) die "reach='$reach': must be unit or tenant" ;; esac

# A text in the filter of a question, and in JSON.
odata() {
	local quote="'"
	printf '%s' "${1//$quote/$quote$quote}"
}
json() {
	local text=${1//\\/\\\\}
	printf '"%s"' "${text//\"/\\\"}"
}

ask() { az "$@" --only-show-errors --output tsv; }
graph_get() { # PATH [OPTION]...
	local path=$1
	shift
	ask rest --method get --resource "$graph" --url "$graph/v1.0$path" "$@"
}
graph_post() { # PATH BODY [OPTION]...
	local path=$1 body=$2
	shift 2
	ask rest --method post --resource "$graph" --url "$graph/v1.0$path" --headers Content-Type=application/json --body "$body" "$@"
}

# What was made a moment ago is not known everywhere at once.
again() {
	local n
	for n in 1 2 3 4 5 6; do
		"$@" 2>"$scratch/trouble" && return
		[ "$n" = 6 ] || sleep 5
	done
	cat "$scratch/trouble" >&2
	return 1
}

has_line() { # LINES LINE
	case $'\n'$1$'\n' in *$'\n'"$2"$'\n'*) return 0 ;; esac
	return 1
}

one() { # WHAT LINES: none or one
	case $2 in *$'\n'*) die "there is more than one $1; give its id in the settings, or rename the others" ;; esac
}

sign_in_to_azure() {
	[ "$(ask cloud show --query name)" = "$az_cloud" ] || az cloud set --only-show-errors --name "$az_cloud"
	az account show --only-show-errors --output none 2>/dev/null ||
		az login --only-show-errors --allow-no-subscriptions --output none ${tenant:+--tenant "$tenant"}
	local signed_in
	signed_in=$(ask account show --query tenantId)
	[ -z "$tenant" ] || [ "$tenant" = "$signed_in" ] ||
		die "az is signed in to the tenant $signed_in, not $tenant; sign in with: az login --allow-no-subscriptions --tenant $tenant"
	tenant=$signed_in
	[ -n "$domains" ] || domains=$(graph_get /domains --query 'value[?isDefault].id')
	say "Tenant $tenant, domains: $domains"
}

find_group() {
	group_id=
	[ -n "$group" ] || return 0
	case $group in
	????????-????-????-????-????????????) group_id=$group ;;
	*) group_id=$(graph_get /groups --url-parameters "\$filter=displayName eq '$(odata "$group")'" --query 'value[].id') ;;
	esac
	one "group $group" "$group_id"
	[ -n "$group_id" ] || die "there is no group $group in the tenant. Make it, or set group='' for everybody"
}

make_certificate() {
	[ ! -e "$credential" ] || [ -O "$credential" ] || die "$credential: belongs to somebody else; move it away and run this again"
	if [ ! -e "$credential" ]; then
		openssl req -x509 -newkey rsa:3072 -sha256 -days 730 -nodes -subj "/CN=sspr-$name" \
			-keyout "$scratch/key" -out "$scratch/new" 2>"$scratch/log" || { cat "$scratch/log" >&2; exit 1; }
		cat "$scratch/new" "$scratch/key" >"$credential"
		say "Certificate and key: made in the file $credential"
	fi
	openssl x509 -in "$credential" -checkend 86400 -noout >/dev/null ||
		die "$credential: has expired, or will within a day; move it away and run this again"
	openssl x509 -in "$credential" -out "$scratch/certificate"
}

# The name by which our certificate is known again.
label() {
	local print
	print=$(openssl x509 -in "$scratch/certificate" -noout -fingerprint -sha256)
	print=${print#*=}
	printf 'sspr %s' "${print//:/}"
}

# Anybody in a tenant may register an application, of any title: one without our certificate may be a stranger's.
is_ours() {
	[ -n "$(ask ad app credential list --id "$application" --cert --query "[?displayName=='$(label)'].keyId")" ]
}

# auth_time tells a sign-in of now from a session that was there before.
allow_device_code() {
	again az ad app update --only-show-errors --id "$application" --is-fallback-public-client true \
		--optional-claims '{"idToken": [{"name": "auth_time", "essential": false}]}'
}

register_application() {
	if [ -z "$application" ]; then
		application=$(ask ad app list --filter "displayName eq '$(odata "$title")'" --query '[].appId')
		one "application $title" "$application"
		[ -z "$application" ] || is_ours || die "an application \"$title\" is there that does not have the certificate in $credential.
If it is yours, set application=$application and run this again; if you do not know it, set another title"
	fi
	if [ -z "$application" ]; then
		application=$(ask ad app create --display-name "$title" --sign-in-audience AzureADMyOrg --query appId)
		say "Application $title: registered"
	fi
	[ "$device_code" = no ] || allow_device_code
	say "Application (client) id $application"
}

# The certificate alone goes there, under a name by which it is known again.
add_certificate() {
	local there
	there=$(again ask ad app credential list --id "$application" --cert --query "[?displayName=='$(label)'].keyId")
	[ -z "$there" ] || return 0
	again az ad app credential reset --only-show-errors --output none --id "$application" --append --years 2 \
		--display-name "$(label)" --cert "@$scratch/certificate"
	say "Certificate: added to the application"
}

make_service_principal() {
	principal=$(ask ad sp list --filter "appId eq '$application'" --query '[].id')
	[ -n "$principal" ] || principal=$(again ask ad sp create --id "$application" --query id)
}

# Ids of permissions are looked up by their names, at Microsoft Graph's own service principal.
grant_permissions() {
	local known granted value role
	microsoft_graph=$(ask ad sp list --filter "appId eq '00000003-0000-0000-c000-000000000000'" --query '[].id')
	known=$(graph_get "/servicePrincipals/$microsoft_graph" --url-parameters "\$select=appRoles" --query 'appRoles[].[value,id]')
	granted=$(again graph_get "/servicePrincipals/$principal/appRoleAssignments" --query 'value[].appRoleId')
	for value in "${permissions[@]}"; do
		role=$(awk -v value="$value" '$1 == value { print $2 }' <<<"$known")
		[ -n "$role" ] || die "Microsoft Graph has no permission $value in this cloud"
		! has_line "$granted" "$role" || continue
		again graph_post "/servicePrincipals/$principal/appRoleAssignments" \
			"{\"principalId\":\"$principal\",\"resourceId\":\"$microsoft_graph\",\"appRoleId\":\"$role\"}" >/dev/null
		say "Permission $value: granted"
	done
}

# Without it each user would be asked to consent, where a tenant lets users do that at all.
consent_to_sign_in() {
	local there
	there=$(graph_get /oauth2PermissionGrants \
		--url-parameters "\$filter=clientId eq '$principal' and consentType eq 'AllPrincipals'" --query 'value[].id')
	[ -z "$there" ] || return 0
	again graph_post /oauth2PermissionGrants \
		"{\"clientId\":\"$principal\",\"consentType\":\"AllPrincipals\",\"resourceId\":\"$microsoft_graph\",\"scope\":\"openid profile\"}" >/dev/null
	say "Sign-in by device code: consented to for all users (openid profile)"
}

make_unit() {
	unit_id=$(graph_get /directory/administrativeUnits --url-parameters "\$filter=displayName eq '$(odata "$unit")'" --query 'value[].id')
	one "administrative unit $unit" "$unit_id"
	[ -z "$unit_id" ] || return 0
	unit_id=$(graph_post /directory/administrativeUnits \
		"{\"displayName\":$(json "$unit"),\"description\":\"Users whose password ssprd may reset\"}" --query id)
	say "Administrative unit $unit: made"
}

# The ids of the users in a list, over all its pages. The first line of each page is where the next one is.
users_of() { # PATH
	local next=$graph/v1.0$1 page
	while [ -n "$next" ]; do
		page=$(again ask rest --method get --resource "$graph" --url "$next" \
			--query "[\"@odata.nextLink\" || '', value[?\"@odata.type\"=='#microsoft.graph.user'].id][]")
		next=${page%%$'\n'*}
		sed 1d <<<"$page"
	done
}

# A unit does not take a group for its members: each user is put into it.
fill_unit() {
	local user n=0
	users_of "/directory/administrativeUnits/$unit_id/members?\$select=id&\$top=999" | sort -u >"$scratch/there"
	users_of "/groups/$group_id/transitiveMembers?\$select=id&\$top=999" | sort -u >"$scratch/wanted"
	while read -r user; do
		again graph_post "/directory/administrativeUnits/$unit_id/members/\$ref" "{\"@odata.id\":\"$graph/v1.0/users/$user\"}" >/dev/null
		n=$((n + 1))
	done < <(comm -13 "$scratch/there" "$scratch/wanted")
	say "Administrative unit $unit: $n of the users in $group were put into it"
}

give_role() {
	local role have
	role=$(graph_get /roleManagement/directory/roleDefinitions --url-parameters "\$filter=displayName eq 'Password Administrator'" --query 'value[].id')
	[ -n "$role" ] || die "there is no role Password Administrator in the tenant"
	have=$(graph_get /roleManagement/directory/roleAssignments --url-parameters "\$filter=principalId eq '$principal'" \
		--query "value[?roleDefinitionId=='$role'].directoryScopeId")
	! has_line "$have" "/administrativeUnits/$unit_id" || return 0
	again graph_post /roleManagement/directory/roleAssignments \
		"{\"principalId\":\"$principal\",\"roleDefinitionId\":\"$role\",\"directoryScopeId\":\"/administrativeUnits/$unit_id\"}" >/dev/null
	say "Role Password Administrator for the unit $unit: assigned"
}

allow_to_set_passwords() {
	[ "$reach" = unit ] || return 0
	make_unit
	if [ -n "$group_id" ] && [ "$fill" = yes ]; then
		fill_unit
	fi
	give_role
}

tell_drop_in() { # PATH DIRECTIVE
	printf 'mkdir -p %s\n' "${1%/*}"
	printf "printf '[Service]\\\\n%s=%s\\\\n' >%s\n" "$2" "$credential" "$1"
}

tell_configuration() {
	cat <<END

Done. On each machine where passwords are reset, as root:

1. Put this into /etc/sspr/ssprd.conf.d/$name.conf:

END
	if [ "$enable" = yes ]; then
		printf '[properties]\n'
		if [ -n "$group" ]; then
			printf 'enabled = selected\ngroup = %s\n\n' "$group"
		else
			printf 'enabled = all\n\n'
		fi
	fi
	printf '[directory %s]\ntype = entra\ntenant = %s\nclient-id = %s\ndomains = %s\n' "$name" "$tenant" "$application" "${domains//$'\n'/ }"
	[ "$cloud" = global ] || printf 'cloud = %s\n' "$cloud"
	# By its id: a name is whoever's who makes a group of that name.
	[ -z "$group_id" ] || printf 'group = %s\n' "$group_id"
}

# The unit of ssprd-net loads the credentials of the directory "entra" by itself, unless they are sealed.
tell_credential() {
	local drop_in=/etc/systemd/system/ssprd-net.service.d/$credential.conf
	cat <<END

2. Bring the file $credential there, on a way that nobody can listen on. Either keep it as it is:

install -D -m 600 $credential /etc/credstore/$credential
END
	[ "$name" = entra ] || tell_drop_in "$drop_in" LoadCredential
	cat <<END

   or, better, let the machine and its TPM 2 seal it, so that a stolen disk does not give it away:

install -d -m 700 /etc/credstore.encrypted
systemd-creds encrypt --with-key=host+tpm2 --name=$credential $credential /etc/credstore.encrypted/$credential
END
	tell_drop_in "$drop_in" LoadCredentialEncrypted
	cat <<END

   Then destroy every other copy:  shred -u $credential

3. Try it, with the name of a user:

ssprctl check
systemctl daemon-reload
systemctl try-restart ssprd.service ssprd-net.service ssprd-local.service
ssprctl entra check somebody@${domains%%[[:space:]]*} --directory $name
END
}

tell_reach() {
	if [ "$reach" = tenant ]; then
		printf '\nThis credential can set the password of any account of the whole tenant, perhaps of administrators too. Guard it.\n'
		return
	fi
	cat <<END

This credential can set the passwords of the users in the administrative unit "$unit", and of nobody else.
A user outside of it is refused at the end of a reset, so keep it filled: run this again, or give the unit a membership rule
(Entra ID > Roles & admins > Admin units > the unit > Properties). Users who hold a directory role are never reset.
END
}

tell_mail() {
	cat <<END

Do this at once: Mail.Send lets the application send from EVERY mailbox of the tenant until Exchange limits it to one. In
Exchange Online PowerShell:

New-ApplicationAccessPolicy -AppId $application -PolicyScopeGroupId $mailbox -AccessRight RestrictAccess -Description 'sspr'
Test-ApplicationAccessPolicy -AppId $application -Identity $mailbox

   and then, with the address of any other mailbox, the last command must say Denied. It may take an hour to hold.
END
}

tell_device_code() {
	cat <<END

Method app: Microsoft advises to block the device code flow by Conditional Access. Where such a policy is, exclude this application
from it, or nobody can use the method (AADSTS53003). Leave the policy as it is for everything else.
END
}

for program in az openssl awk sort comm; do
	command -v "$program" >/dev/null || die "$program is not installed"
done
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

sign_in_to_azure
find_group
make_certificate
register_application
add_certificate
make_service_principal
[ "$reach" = unit ] || permissions+=("$tenant_permission")
grant_permissions
[ "$device_code" = no ] || consent_to_sign_in
allow_to_set_passwords

tell_configuration
tell_credential
tell_reach
[ -z "$mailbox" ] || tell_mail
[ "$device_code" = no ] || tell_device_code
