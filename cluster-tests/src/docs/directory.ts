/** The directory that docs/auth/ldap.md speaks of. */
export const SUFFIX = "dc=example,dc=org";

export const LDIF = `dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=people,dc=example,dc=org
objectClass: organizationalUnit
ou: people

dn: ou=groups,dc=example,dc=org
objectClass: organizationalUnit
ou: groups

dn: uid=alice,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: alice
cn: Alice
sn: Liddell
userPassword: wonderland

dn: cn=searcher,dc=example,dc=org
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: searcher
userPassword: looking

dn: cn=engineering,ou=groups,dc=example,dc=org
objectClass: groupOfNames
cn: engineering
member: uid=alice,ou=people,dc=example,dc=org
`;
