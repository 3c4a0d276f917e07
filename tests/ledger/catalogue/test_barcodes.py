"""What a barcode says."""

from decimal import Decimal

import pytest

from ledger.catalogue import barcodes
from ledger.catalogue.barcodes import CodeReading


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("4006381333931", "4006381333931"),
        ("036000291452", "0036000291452"),  # a UPC-A, and the same as an EAN-13
        ("0036000291452", "0036000291452"),
        ("00036000291452", "0036000291452"),  # and as an ITF-14
        ("96385074", "96385074"),
        ("00000096385074", "96385074"),
        ("15400141288763", "15400141288763"),  # a case of them is something else
        ("4006381333930", "4006381333930"),  # the check digit is wrong: it is taken as it is
        ("0042", "0042"),
        ("AB-12/3", "AB-12/3"),
        ("٤٠٠٦٣٨١٣٣٣٩٣١", "٤٠٠٦٣٨١٣٣٣٩٣١"),
    ],
)
def test_the_same_number_has_one_key_however_it_is_written(written: str, key: str) -> None:
    assert barcodes.key(written) == key


def test_a_code_of_scales_may_be_a_product_and_its_weight() -> None:
    assert barcodes.readings("2100123003501") == (
        CodeReading("2100123003501"),
        CodeReading("2100123", Decimal("0.350")),
        CodeReading("2100123000005", Decimal("0.350")),
    )
    assert barcodes.readings("2100123003502") == (CodeReading("2100123003502"),)  # read wrongly
    assert barcodes.readings("4006381333931") == (CodeReading("4006381333931"),)
    weighed = barcodes.readings("2100123003501")[1]
    assert barcodes.fits(weighed, "kg") and not barcodes.fits(weighed, "pcs")
