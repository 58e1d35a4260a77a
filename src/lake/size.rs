//! How large values are when they are written out, rather than in memory: a view is sixteen bytes there, whatever it
//! shows.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::DataType;

/// The bytes of an array's values, each as often as it occurs.
pub(super) fn written_out(array: &ArrayRef) -> usize {
    match array.data_type() {
        DataType::Utf8View => array.as_string_view().lengths().map(|length| length as usize).sum(),
        DataType::BinaryView => array.as_binary_view().lengths().map(|length| length as usize).sum(),
        DataType::List(_) => {
            let values = array.as_list::<i32>();
            let ends = [values.value_offsets().first(), values.value_offsets().last()].map(|end| end.and_then(|end| usize::try_from(*end).ok()));
            match ends {
                [Some(from), Some(to)] => written_out(&values.values().slice(from, to - from)),
                _ => 0,
            }
        }
        DataType::LargeList(_) => written_out(array.as_list::<i64>().values()),
        DataType::FixedSizeList(..) => written_out(array.as_fixed_size_list().values()),
        DataType::Map(..) => array.as_map().entries().columns().iter().map(written_out).sum(),
        DataType::Struct(_) => array.as_struct().columns().iter().map(written_out).fold(0, usize::saturating_add),
        _ => array.to_data().get_slice_memory_size().unwrap_or_else(|_| array.get_array_memory_size()),
    }
}
