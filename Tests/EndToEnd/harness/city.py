"""A small city as files: an organisation tree and a personnel export in SIASN's shape. Nobody in it can exist: born 18xx."""

import csv
from pathlib import Path

GOVERNMENT = "8811"
AGENCIES = [
    "Badan Kepegawaian Daerah",
    "Dinas Komunikasi dan Informatika",
    "Dinas Kesehatan",
    "Dinas Pendidikan",
    "Kecamatan Uji Timur",
]

_UNIT_COLUMNS = [
    "Id", "InstansiId", "DiatasanId", "EselonId", "NamaUnor", "NamaJabatan", "CepatKode", "IndukUnorId", "PemimpinPnsId",
    "JenisUnorId",
]  # fmt: skip
_PERSON_COLUMNS = [
    "pns_id", "nip_baru", "nama", "gelar_depan", "gelar_belakang", "tanggal_lahir", "jenis_kelamin", "nik", "nomor_hp",
    "email_gov", "kedudukan_hukum_id", "kedudukan_hukum_nama", "status_cpns_pns", "gol_akhir_nama", "jenis_jabatan_id",
    "jabatan_id", "jabatan_nama", "tmt_jabatan", "unor_id", "instansi_kerja_id",
]  # fmt: skip


def nip(index: int) -> str:
    """The NIP of the person with this index: birth date, first day of service, sex, number."""
    return f"18{60 + index % 40}{index % 12 + 1:02}{index % 28 + 1:02}192003{1 if index % 2 == 0 else 2}{index % 997 + 1:03}"


def agency(index: int) -> str:
    return AGENCIES[index % len(AGENCIES)]


def row(index: int) -> dict[str, str]:
    """A person as a row of SIASN's export."""
    number = nip(index)
    return {
        "pns_id": f"{0xABC0 + index:032X}", "nip_baru": "'" + number, "nama": f"Orang Uji {index}",
        "gelar_depan": "null", "gelar_belakang": "S.E.",
        "tanggal_lahir": f"{number[6:8]}-{number[4:6]}-{number[0:4]}",
        "jenis_kelamin": "M" if index % 2 == 0 else "F", "nik": f"'99{index:014}", "nomor_hp": f"'0000{index:06}",
        "email_gov": f"orang{index}@uji.invalid", "kedudukan_hukum_id": "'01", "kedudukan_hukum_nama": "Aktif",
        "status_cpns_pns": "P", "gol_akhir_nama": "III/a", "jenis_jabatan_id": "4", "jabatan_id": f"J{index % 7}",
        "jabatan_nama": f"Pengelola Layanan {index % 7}", "tmt_jabatan": "01-03-1920",
        "unor_id": f"A{index % len(AGENCIES)}" + ("S" if index % 3 == 0 else ""), "instansi_kerja_id": GOVERNMENT,
    }  # fmt: skip


def write(folder: Path, people: int = 30) -> tuple[Path, Path]:
    """Writes both files; returns (people, units)."""
    units_file, people_file = folder / "unor.csv", folder / "siasn.csv"
    with units_file.open("w", newline="", encoding="utf-8") as file:
        rows = csv.DictWriter(file, _UNIT_COLUMNS)
        rows.writeheader()
        rows.writerow({"Id": "ROOT", "InstansiId": GOVERNMENT, "NamaUnor": "Pemerintah Kota Uji", "NamaJabatan": "Wali Kota"})
        for number, name in enumerate(AGENCIES):
            common = {"InstansiId": GOVERNMENT}
            rows.writerow({**common, "Id": f"A{number}", "DiatasanId": "ROOT", "NamaUnor": name, "NamaJabatan": f"Kepala {name}"})
            rows.writerow(
                {**common, "Id": f"A{number}S", "DiatasanId": f"A{number}", "NamaUnor": f"Sekretariat {name}",
                 "NamaJabatan": "Sekretaris"}
            )  # fmt: skip
    with people_file.open("w", newline="", encoding="utf-8") as file:
        rows = csv.DictWriter(file, _PERSON_COLUMNS)
        rows.writeheader()
        for index in range(people):
            rows.writerow(row(index))
    return people_file, units_file
