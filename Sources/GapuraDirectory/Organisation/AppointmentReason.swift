/// Why an appointment was refused, or taken with a warning. The raw values are stable.
package enum AppointmentReason: String, Sendable, CaseIterable {
    // Refused
    case kindUnknown = "kind_unknown"
    case numericIdentifier = "numeric_identifier"
    case personMissing = "person_missing"
    case personUnknown = "person_unknown"
    case identifiersDiffer = "identifiers_differ"
    case unitMissing = "unit_missing"
    case unitUnknown = "unit_unknown"
    case unitClosed = "unit_closed"
    case postMissing = "post_missing"
    case letterMissing = "letter_missing"
    case textUnusable = "text_unusable"
    case startMissing = "start_missing"
    case dateUnreadable = "date_unreadable"
    case endMissing = "end_missing"
    case endBeforeStart = "end_before_start"
    case letterDiffers = "letter_differs"
    case pltTooLong = "plt_too_long"
    case overlapsOwn = "overlaps_own"
    case postTaken = "post_taken"
    // Warnings
    case postOccupied = "post_occupied"
    case postVacant = "post_vacant"
    case postNotHead = "post_not_head"

    /// For whoever runs the city's personnel data.
    package var indonesian: String {
        switch self {
        case .kindUnknown: "Jenis penugasan bukan D, TT, PLT, PLH, atau PJ."
        case .numericIdentifier:
            "NIP, pns_id, atau unor_id tersimpan sebagai angka; digit terakhirnya hilang. Ubah kolom menjadi Teks."
        case .personMissing: "NIP dan pns_id kosong."
        case .personUnknown: "Tidak ada pegawai dengan NIP atau pns_id itu; muat dahulu data kepegawaian."
        case .identifiersDiffer: "NIP dan pns_id milik dua orang yang berbeda."
        case .unitMissing: "Unit organisasi kosong."
        case .unitUnknown: "Unit organisasi tidak dikenal; muat dahulu berkas ref-unor."
        case .unitClosed: "Unit organisasi sudah ditutup."
        case .postMissing: "Nama jabatan kosong."
        case .letterMissing: "Nomor surat kosong."
        case .textUnusable: "Nama jabatan atau nomor surat terlalu panjang atau memuat karakter yang tidak terlihat."
        case .startMissing: "Tanggal mulai kosong."
        case .dateUnreadable: "Tanggal mulai atau selesai bukan tanggal yang ada; tulis seperti 01-09-2026."
        case .endMissing: "Plt., Plh., dan Pj. harus mempunyai tanggal selesai."
        case .endBeforeStart: "Tanggal selesai lebih awal daripada tanggal mulai."
        case .letterDiffers:
            "Surat ini sudah tercatat untuk orang dan jabatan yang sama dengan jenis atau tanggal lain; akhiri dahulu yang lama."
        case .pltTooLong: "Masa Plt. melebihi 3 bulan ditambah satu perpanjangan 3 bulan."
        case .overlapsOwn: "Orang ini sudah memegang jabatan yang sama pada masa itu menurut surat lain."
        case .postTaken: "Jabatan ini pada masa itu sudah dipegang Plt., Plh., atau Pj. lain."
        case .postOccupied: "Jabatan ini masih ada pejabatnya; Plt. hanya untuk jabatan yang kosong."
        case .postVacant: "Jabatan ini kosong; Plh. hanya menggantikan pejabat yang berhalangan sementara."
        case .postNotHead: "Jabatan ini bukan jabatan pimpinan unit tersebut; periksa ejaannya."
        }
    }

    package var english: String {
        switch self {
        case .kindUnknown: "The kind is none of D, TT, PLT, PLH or PJ."
        case .numericIdentifier:
            "NIP, pns_id or unor_id is stored as a number; its last digits are lost. Make the column Text."
        case .personMissing: "Both the NIP and pns_id are empty."
        case .personUnknown: "Nobody has that NIP or pns_id; load the personnel data first."
        case .identifiersDiffer: "The NIP and pns_id belong to two people."
        case .unitMissing: "The unit is empty."
        case .unitUnknown: "The unit is unknown; load the file ref-unor first."
        case .unitClosed: "The unit was closed."
        case .postMissing: "The name of the post is empty."
        case .letterMissing: "The letter number is empty."
        case .textUnusable: "The name of the post or the letter number is too long, or has invisible characters."
        case .startMissing: "The first day is empty."
        case .dateUnreadable: "The first or last day is no day of the calendar; write it like 01-09-2026."
        case .endMissing: "Plt, Plh and Pj must have a last day."
        case .endBeforeStart: "The last day lies before the first."
        case .letterDiffers:
            "This letter is known for the same person and post with another kind or other days; end that one first."
        case .pltTooLong: "A Plt lasts 3 months and one extension of 3 months at most."
        case .overlapsOwn: "The same person holds the same post at that time by another letter."
        case .postTaken: "Another Plt, Plh or Pj holds this post at that time."
        case .postOccupied: "The post has its holder; a Plt is for a vacant post."
        case .postVacant: "The post is vacant; a Plh stands in for a holder who is away for a while."
        case .postNotHead: "The post is not the head post of that unit; check its spelling."
        }
    }
}
