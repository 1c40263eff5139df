//! Any JSON as a manifest and as an index: what is taken, is written and read as the same, and its
//! sums do not overflow.
#![cfg_attr(feature = "libfuzzer", no_main)]

use snapdump::Manifest;
use snapdump::archive::Index;

fn run(data: &[u8]) {
    if let Ok(manifest) = serde_json::from_slice::<Manifest>(data) {
        let text = serde_json::to_vec(&manifest).unwrap();
        assert_eq!(serde_json::from_slice::<Manifest>(&text).unwrap(), manifest);
        let counted: u64 = manifest.counts().values().sum();
        assert_eq!(counted, manifest.objects.len() as u64);
        let most = manifest.objects.iter().filter_map(|object| object.rows).max();
        assert!(manifest.rows() >= most.unwrap_or(0));
        for object in &manifest.objects {
            assert!(!object.name.to_string().contains('\n'));
        }
        assert!(!format!("{manifest:?}").is_empty());
    }
    if let Ok(index) = serde_json::from_slice::<Index>(data) {
        let text = serde_json::to_vec(&index).unwrap();
        assert_eq!(serde_json::from_slice::<Index>(&text).unwrap(), index);
    }
}

snapdump_fuzz::target!(run);
