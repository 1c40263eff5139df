//! The corpus: small databases, each about one thing that dumps tend to lose, through every
//! direction a backup takes.
//!
//! A case is an SQL script for the stock client in `cases/`, whose folder says on which servers it
//! runs, or a function in [`generated`] where bytes have to be made. Each case is one test for each
//! of its servers; `case` says what the head of a script can ask for, `trip` what is tested.

mod case;
mod document;
mod generated;
mod trip;
mod zones;

use crate::backup::Cleanup;
use crate::harness::TestServer;
use case::Case;

/// Makes a test of each script in a folder, for each of the servers.
macro_rules! scripts {
    ($folder:ident on $servers:tt: $($name:ident)+) => {
        #[allow(non_snake_case, reason = "the folder is named so")]
        mod $folder {
            /// All names, to be compared with what the folder holds.
            pub(super) const NAMES: &[&str] = &[$(stringify!($name)),+];

            $(scripts!(@case $folder $name $servers);)+
        }
    };
    (@case $folder:ident $name:ident [$($server:ident)+]) => {
        mod $name {
            $(
                #[tokio::test]
                async fn $server() {
                    let script = include_bytes!(concat!(
                        "cases/", stringify!($folder), "/", stringify!($name), ".sql"
                    ));
                    let server = $crate::harness::TestServer::$server();
                    Box::pin($crate::corpus::run(stringify!($name), script, server)).await;
                }
            )+
        }
    };
}

async fn run(name: &'static str, script: &[u8], server: TestServer) {
    let case = Case::of_script(name, script, &server);
    let undo = &case.afterwards;
    let _cleanup = (!undo.is_empty()).then(|| Cleanup::new(&server, undo.clone()));
    let sources = case.load(script, &server).await;
    trip::every_direction(&case, &server, &sources).await;
}

// S2: `programs_of_latin1_clients`, `programs_of_swe7_clients`, and `client_character_sets` in [`generated`].
// S6: `beyond_bmp`, `table_options_mariadb`, `sequences`.
// S10: `merge_tables`.
// S14: `views_broken`, `views_without_definer`, `views_of_times`.
// S15: `database_collation_of_programs`, `comments`, `events_of_the_past`.
// S18: `sequences`.
scripts! { all on [mysql_9_7 mariadb_10_11 mariadb_11_8]:
    auto_increment bits blank_text blobs_and_texts comments comments_in_bodies computed_of_texts
    database_collation_of_programs database_options date_keys dates decimals defaults
    delimiters_in_bodies engines enum_and_set event_schedules events events_of_high_not events_of_the_past
    foreign_keys foreign_keys_across foreign_keys_circular generated_columns generated_in_settings generated_in_zones geometry
    identifiers identifiers_case identifiers_reserved identifiers_with_line_breaks indexes
    integers invisible_columns json members_in_charsets merge_tables no_keys only_generated partitions
    partitions_in_charsets partitions_in_more_charsets programs_of_latin1_clients programs_of_swe7_clients routines routines_in_modes timestamps_in_zones triggers
    triggers_broken triggers_in_modes triggers_many utf8 views views_across views_broken views_on_views views_that_read_themselves views_that_write views_without_definer
}

scripts! { mysql on [mysql_9_7]:
    character_sets_mysql checks_not_enforced column_attributes constraints_of_texts database_encryption dollar_quotes
    duality_views engines_more foreign_keys_loose functional_indexes generated_in_locales generated_in_modes generated_not_null gipk histograms javascript_bodies json_depth json_indexes json_types json_unsigned libraries names_of_swe7_clients
    partitions_in_gb18030 roles_as_definers secondary_engines spatial_reference table_options_mysql vector vectors_empty vectors_empty_named views_more views_of_swe7_clients
}

scripts! { mariadb on [mariadb_10_11 mariadb_11_8]:
    aggregate_functions application_periods beyond_bmp bodies_of_one_loop bodies_with_declarations checks_of_columns compound_routines
    compressed_columns data_directories database_comment database_comments_named engines_aria generated_mariadb
    ignored_indexes literals_in_binary_tables names_of_swe7_clients oracle_views packages partitions_default partitions_of_shared_codes roles_as_definers roles_without_rights sequences system_versioned system_versioned_history
    table_options_mariadb unique_text uuid_inet views_more views_of_json_tables views_of_packages views_of_times
}

scripts! { mariadb_11_8 on [mariadb_11_8]:
    default_parameters json_and_uca moments_in_checks packages_in_sql record_types small_sequences vector
}

/// The scripts of each folder.
const SCRIPTS: &[(&str, &[&str])] = &[
    ("all", all::NAMES),
    ("mysql", mysql::NAMES),
    ("mariadb", mariadb::NAMES),
    ("mariadb_11_8", mariadb_11_8::NAMES),
];

/// A script that no test runs has proved nothing.
#[test]
fn every_script_is_run() {
    let cases = document::cases_directory();
    for (folder, listed) in SCRIPTS {
        let mut found: Vec<String> = std::fs::read_dir(cases.join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        found.sort();
        let mut listed = listed.to_vec();
        listed.sort_unstable();
        assert_eq!(found, listed, "{folder}");
    }
}
