-- Database roles and the database of Consentry, for PostgreSQL 15 to 18. Safe to repeat. Run once as an administrator:
--
--     psql -v ON_ERROR_STOP=1 -d postgres -f deploy/postgres/roles.sql
--
-- and give the four roles that sign in a password each (\password consentry_owner ...) or certificate or peer
-- authentication. `consentry db provision --admin-url ...` does the same.
--
--   consentry_owner      owns database and tables, runs migrations; the service never works as this role
--   consentry_app        the serving processes: no DDL, row-level security always applies to it
--   consentry_sequencer  gives ledger positions and stores signed checkpoints
--   consentry_keeper     seals again what is sealed under an old key (consentry keys rotate); changes nothing else
--   consentry_lookup     cannot sign in; owner of the functions that find the program of a session or client

select format('create role %I %s', name, kind)
from (values ('consentry_owner', 'login'), ('consentry_app', 'login'),
             ('consentry_sequencer', 'login'), ('consentry_keeper', 'login'),
             ('consentry_lookup', 'nologin')) as wanted(name, kind)
where not exists (select 1 from pg_roles where rolname = name)
\gexec

grant consentry_lookup to consentry_owner;
select 'grant consentry_owner to current_user'
where not exists (select 1 from pg_roles where rolname = current_user and rolsuper)
\gexec

select 'create database consentry owner consentry_owner template template0 encoding ''UTF8'''
where not exists (select 1 from pg_database where datname = 'consentry')
\gexec

revoke all on database consentry from public;
grant connect on database consentry to consentry_owner, consentry_app, consentry_sequencer, consentry_keeper;

\connect consentry
revoke all on schema public from public;
grant usage, create on schema public to consentry_owner;
grant usage on schema public to consentry_app, consentry_sequencer, consentry_keeper, consentry_lookup;

-- Refuse a cluster in which somebody gave these roles more than they may have.
do $$
begin
  if exists (select 1 from pg_roles where rolname in ('consentry_app', 'consentry_sequencer', 'consentry_keeper',
                                                 'consentry_lookup')
             and (rolsuper or rolbypassrls or rolcreaterole)) then
    raise exception 'a service role is superuser, bypasses row-level security, or may create roles';
  end if;
end $$;
