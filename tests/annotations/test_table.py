from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mmpose_mix.annotations.table import ByteColumn, ImageTable, InstanceTable

COORDINATE = st.floats(-200, 300, width=32)


def image_table(sizes) -> ImageTable:
    count = len(sizes)
    return ImageTable(
        id=np.arange(count) * 10,
        file_name=ByteColumn.of([f"{row}.jpg".encode() for row in range(count)]),
        size=np.array(sizes, dtype=np.int32).reshape(-1, 2),
        crowd_index=np.full(count, np.nan),
    )


@st.composite
def instance_tables(draw, max_rows: int = 6) -> InstanceTable:
    images = image_table(draw(st.lists(st.tuples(st.integers(1, 100), st.integers(1, 100)), min_size=1, max_size=4)))
    rows = draw(st.integers(0, max_rows))

    def column(dtype, shape=(), elements=None):
        return draw(arrays(dtype, (rows, *shape), elements=elements))

    return InstanceTable(
        images=images,
        image_row=np.sort(column(np.int32, elements=st.integers(0, len(images) - 1))),
        id=np.arange(rows),
        category_id=np.ones(rows, dtype=np.int32),
        bbox_xywh=column(np.float64, (4,), st.floats(-200, 300)),
        keypoints=column(np.float32, (3, 2), COORDINATE),
        visibility=column(np.float32, (3,), st.sampled_from([0, 0.5, 1, 2])),
        num_keypoints=column(np.int32, elements=st.integers(-1, 3)),
        area=column(np.float64, elements=st.sampled_from([np.nan, 0.5, 400.0])),
        iscrowd=column(np.bool_),
        raw=ByteColumn.of([str(row).encode() * row for row in range(rows)]),
    )


def one_person(**columns) -> InstanceTable:
    whole = {
        "images": image_table([(64, 48)]),
        "image_row": np.zeros(1, np.int32),
        "id": np.zeros(1, np.int64),
        "category_id": np.ones(1, np.int32),
        "bbox_xywh": np.array([[10.0, 10.0, 20.0, 20.0]]),
        "keypoints": np.array([[[12, 13], [0, 0], [14, 0]]], np.float32),
        "visibility": np.array([[2, 0, 1]], np.float32),
        "num_keypoints": np.array([-1], np.int32),
        "area": np.array([np.nan]),
        "iscrowd": np.array([False]),
    }
    return InstanceTable(**{**whole, **columns})


@pytest.mark.parametrize(
    ("box", "clipped", "area"),
    [
        ([10, 10, 20, 20], [10, 10, 30, 30], 212.0),
        ([-5, -5, 10, 10], [0, 0, 5, 5], 13.25),
        ([60, 40, 30, 30], [60, 40, 63, 47], 11.13),
        ([100, 100, 5, 5], [63, 47, 63, 47], 1.0),
    ],
)
def test_boxes_are_clipped_and_areas_filled_in(box, clipped, area: float) -> None:
    table = one_person(bbox_xywh=np.array([box], dtype=np.float64))
    assert table.clipped_xyxy().tolist() == [clipped]
    assert table.filled_area() == pytest.approx([area])
    assert one_person(area=np.array([7.5])).filled_area().tolist() == [7.5]


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({}, None),
        ({"iscrowd": np.array([True])}, "a crowd"),
        ({"num_keypoints": np.array([0], np.int32)}, "without labelled keypoints"),
        ({"bbox_xywh": np.array([[10.0, 10, 0, 20]])}, "with an empty box"),
        ({"bbox_xywh": np.array([[10.0, 10, 20, -1]])}, "with an empty box"),
        ({"bbox_xywh": np.array([[64.0, 10, 20, 20]])}, "with an empty box"),
        ({"keypoints": np.full((1, 3, 2), -1, np.float32)}, "with all keypoints at or before 0"),
    ],
)
def test_a_person_that_cannot_be_trained_on_has_a_reason(columns, reason) -> None:
    assert [name for name, mask in one_person(**columns).faults().items() if mask[0]] == ([reason] if reason else [])


def test_keypoints_are_counted_where_the_file_does_not() -> None:
    assert one_person().filled_num_keypoints().tolist() == [2]
    assert one_person(num_keypoints=np.array([3], np.int32)).filled_num_keypoints().tolist() == [3]


@given(instance_tables())
def test_clipped_boxes_lie_in_their_image(table: InstanceTable) -> None:
    clipped, last = table.clipped_xyxy(), np.tile(table.images.size[table.image_row] - 1, (1, 2))
    assert np.all((clipped >= 0) & (clipped <= last))


@given(instance_tables())
def test_no_crowd_and_no_empty_box_is_fit_for_training(table: InstanceTable) -> None:
    fit = table.take(~np.logical_or.reduce(list(table.faults().values())))
    box = fit.clipped_xyxy().astype(np.float32)
    assert not fit.iscrowd.any()
    assert np.all(box[:, 2:] > box[:, :2])
    assert np.all(fit.filled_num_keypoints() > 0)


@given(instance_tables(), st.data())
def test_take_by_mask_indices_and_slice_agree(table: InstanceTable, data) -> None:
    mask = data.draw(arrays(np.bool_, len(table)))
    for taken in (table.take(mask), table.take(np.flatnonzero(mask))):
        assert taken.id.tolist() == table.id[mask].tolist()
        assert [taken.raw[row] for row in range(len(taken))] == [table.raw[row] for row in np.flatnonzero(mask)]
        np.testing.assert_array_equal(taken.keypoints, table.keypoints[mask])
        assert taken.images is table.images
    assert table.take(slice(1, None)).id.tolist() == table.id[1:].tolist()


@given(st.lists(st.binary(max_size=5), max_size=6), st.data())
def test_a_byte_column_is_a_list_of_bytes(values: list[bytes], data) -> None:
    column = ByteColumn.of(values)
    assert [column[row] for row in range(len(column))] == values
    assert [column[row - len(values)] for row in range(len(column))] == values
    mask = data.draw(arrays(np.bool_, len(values)))
    kept = column.only_where(mask)
    assert [kept[row] for row in range(len(kept))] == [v if keep else b"" for v, keep in zip(values, mask)]


@pytest.mark.parametrize("row", [2, -3])
def test_a_row_outside_of_a_byte_column_is_an_index_error(row: int) -> None:
    with pytest.raises(IndexError):
        ByteColumn.of([b"a", b"bc"])[row]


def test_image_rows_are_found_and_absent_ones_are_minus_one() -> None:
    images = image_table([(1, 1)] * 3)
    assert images.rows_of(np.array([20, 5, 0, 99, -1])).tolist() == [2, -1, 0, -1, -1]
    assert image_table([]).rows_of(np.array([0])).tolist() == [-1]


def test_columns_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        one_person().keypoints[0] = 0


def test_columns_of_other_lengths_and_shapes_are_refused_together() -> None:
    with pytest.raises(ValueError, match=r"id has shape .*bbox_xywh has shape \(1, 5\), expected \(2, 4\)"):
        one_person(id=np.zeros((2, 1), np.int64), bbox_xywh=np.zeros((1, 5)))


def test_a_box_in_an_image_of_unknown_size_stays_as_it_is() -> None:
    table = one_person(images=image_table([(0, 0)]), bbox_xywh=np.array([[-5.5, 40, 100, 20]]))
    assert table.clipped_xyxy().tolist() == [[-5.5, 40, 94.5, 60]]
    assert table.filled_area() == pytest.approx([100 * 20 * 0.53])


def test_columns_of_one_format_alone_go_with_their_rows_and_cannot_be_written_to() -> None:
    table = one_person(extras={"bbox_center": np.array([[5.0, 6.0]])})
    assert table.take(np.array([0, 0])[:1]).extras["bbox_center"].tolist() == [[5, 6]]
    assert table.take(slice(0, 0)).extras["bbox_center"].shape == (0, 2)
    with pytest.raises(ValueError, match="read-only"):
        table.extras["bbox_center"][0] = 0
    with pytest.raises(ValueError, match=r"extras\['bbox_center'\] has 2 rows, expected 1"):
        one_person(extras={"bbox_center": np.zeros((2, 2))})


def test_boxes_of_a_format_that_does_not_clip_stay() -> None:
    table = one_person(bbox_xywh=np.array([[-5.0, 40, 10, 30]]), clip=False)
    assert table.clipped_xyxy().tolist() == [[-5, 40, 5, 70]]
    assert not table.take(slice(0, 1)).clip
