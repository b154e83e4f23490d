//! The synthetic chains of the benchmarks, against checksums on which three
//! independent implementations (Python, C, Rust) agreed.

use crate::support::chains::{ChainSpec, checksum};

/// Chain, checksum, first and last entry of the table.
type Row = (ChainSpec, u64, f64, f64);

fn small_chains() -> [Row; 9] {
    [
        (ChainSpec::soft(3, 2), 0xb6dc_3aa6_9cf2_dae7, 0.844_048_839_669_772_6, 0.550_920_904_782_842_4),
        (ChainSpec::soft(4, 3), 0x3455_12af_4a55_8f75, 0.621_476_029_632_481_4, 0.964_744_452_956_399_2),
        (ChainSpec::soft(27, 2), 0x4dea_89ed_1adb_b885, 0.130_123_832_020_216_96, 0.004_533_963_879_095_984),
        (ChainSpec::peaky4(4, 3), 0x37c2_da80_176d_1683, 0.066_993_997_923_670_25, 0.003_719_630_751_489_114),
        (
            ChainSpec::peaky8(27, 2),
            0x5eec_e2f5_226d_5864,
            6.124_297_872_195_507e-8,
            1.502_587_909_699_474_4e-9,
        ),
        (ChainSpec::meta2(4, 3), 0x99cf_d2ac_dc12_0185, 0.414_612_190_717_138, 0.432_453_679_721_565_23),
        (ChainSpec::meta3(27, 2), 0x6425_e937_742e_f30f, 0.168_987_007_038_020_55, 0.013_318_616_404_044_019),
        (ChainSpec::meta2old(4, 3), 0xbca1_6122_5a18_9589, 0.414_612_190_717_138, 0.432_453_679_721_565_23),
        (
            ChainSpec::meta2old(27, 2),
            0x8297_c2cc_d7cb_e866,
            0.124_135_929_349_627_92,
            0.006_670_634_614_213_718,
        ),
    ]
}

#[test]
fn small_chains_have_the_published_bits() {
    for (spec, expected, first, last) in small_chains() {
        let table = spec.table();
        assert_eq!(table.len(), spec.states() * spec.vocabulary_size());
        assert_eq!(checksum(&table), expected, "checksum of {}", spec.id());
        assert_eq!((table[0], table[table.len() - 1]), (first, last), "ends of {}", spec.id());
    }
}

// soft/27^5 is afd7ce4a9bfb5d24: 3 GB, so it is left to the benchmarks' machine.
#[test]
fn larger_chains_have_the_published_bits() {
    let rows = [
        (ChainSpec::soft(27, 3), 0x0264_e07b_3caa_4903),
        (ChainSpec::soft(64, 3), 0x0aa7_ba0a_3c4e_8ec0),
        (ChainSpec::soft(16, 5), 0x021c_e2b8_10ba_b993),
        (ChainSpec::soft(27, 4), 0x6a57_b85d_2f63_8f5b),
        (ChainSpec::peaky8(27, 4), 0x5b64_befa_fc79_73bc),
        (ChainSpec::meta3(27, 4), 0x9ccf_beb2_ab1d_74df),
        (ChainSpec::meta2old(27, 4), 0xcd79_9595_98bc_7a83),
    ];
    for (spec, expected) in rows {
        assert_eq!(checksum(&spec.table()), expected, "checksum of {}", spec.id());
    }
}

#[test]
fn rows_are_laws_without_being_normalised_again() {
    for (spec, ..) in small_chains() {
        for row in spec.table().chunks_exact(spec.vocabulary_size()) {
            assert!(row.iter().all(|&p| p > 0.0), "an impossible token in {}", spec.id());
            assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-14, "a row of {}", spec.id());
        }
    }
}

#[test]
fn single_precision_rounds_each_double_once() {
    let spec = ChainSpec::meta2(4, 3);
    let rounded: Vec<f32> = spec.table().iter().map(|&p| p as f32).collect();
    assert_eq!(spec.table_f32(), rounded);
    assert_eq!(spec.context_length(), 3);
}
