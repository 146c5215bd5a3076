//! The codes of layer III: how long each is, and what it stands for.
//!
//! Each table is a complete prefix code, written down in the order of its codes, from all zeros to all ones: a letter for
//! the length (`a` is 1 bit), and two hexadecimal digits for the values. So the codes themselves need not be kept.
//!
//! Source: ISO/IEC 11172-3, table B.7, and for the extra bits of large values 2.4.2.7.

use std::sync::OnceLock;

/// Tables by their numbers; 4 and 14 are not used, 17 to 23 are 16 and 25 to 31 are 24 with more extra bits.
const PAIRS: [&str; 25] = {
    let mut tables = [""; 25];
    tables[1] = "c11c01b10a00";
    tables[2] = "f22f02e12e21e20c11c01c10a00";
    tables[3] = "f22f02e12e21e20c10b11b01b00";
    tables[5] = "h33h23g32f31g13g03g30g22f12f21f02f20c11c01c10a00";
    tables[6] = "g33g03f23f32f30e13e31e22e02d12d21d20c01b11c10c00";
    tables[7] = "\
        j55j45j54j53i35i44i25i52h15h51i05i34h50i43i33h24h42g14g41g40h04h23h32h03g13g31g30g22f12e21f02f20d11\
        c01c10a00";
    tables[8] = "\
        k55k54j45i53j35j44i25i52i05h15h51i34i43i50i33h24h42h14g41h04h40h23h32h13h31h03h30f22f02f20d12d21b11\
        c01c10b00";
    tables[9] = "\
        i55i45h35h53i54i05h44h25h52h15g51g34g43h50h04g24g42g33g40f14f41f23f32e13e31f03f30e22e02d12d21d20c11\
        c01c10c00";
    tables[10] = "\
        k77k67k76k57k75k66j47j74j56j65j37j73j46k55k54j63i27i72j64j07i70i62j45j35i06j53j44h17h71i36i26j25j52\
        i15i51j34j43h16h61h60i05i50i24i42i33i04h14h41h40h23h32h03g13g31g30g22f12f21f02f20d11c01c10a00";
    tables[11] = "\
        j77j67j76j75j66j47j74k57k55j56j65i37i73i46j45j54j35j53h27h72i64i07g71h17h70h36h63h60i44i25i52i05h15\
        g62h26h06g16g61h51h34h50i43i33h24h42h14h41h04h40g23g32f13f31g03g30f22e21d12e02e20c11c01c10b00";
    tables[12] = "\
        j77j67i76i57i75i66i47i74i65h56h37i73i55h27h72h46h64h17h71i07i70h36h63h45h54h44i06i05g26g62g61h16h60\
        h35h53h25h52g15g51g34g43h50h04g24g42g14f33f41f23f32g40g03f30e13e31e22d12d21e02e20d00c11c01c10";
    tables[13] = "\
        sfesfcrfdqedpffpefpdfpeepcfpdepbfpfbpcepdcqafqe9oecoddpfapcdobeoebo9fof9oeaobdodbo8fof8occpaep9eo8e\
        p7fp7enf7ndaoadobcocbof6n6fne8n5fn9dnd9nf5ne7nacnbbn4fnf4ocaoe6nf3m3fn8dnd8m2fmf2n6en9cm0fnc9n5emab\
        n7dnd7m4enc8nd6m3emb9n9bnaal1flf1lf0mbame5me4m8cm6dme3le2m2em0el1ele1me0m5dmd5m7cmc7m4dm8bmb8md4m9a\
        ma9m6clc6l3dmd3m7bl2dld2l1dlb7m5cmc5m99m7alc3ma7m97l4bkd1l0dld0l8ala8l4clc4l6blb6k3ck2ckc2k5blb5l89\
        k1ckc1l98l0ckc0lb4l6ala6l79k3bkb3l88l5ak2bla5l69ka4l78l87k94l77l76jb2j1bjb1k0bkb0k96k4ak3aka3k59k95\
        j2aja2j1aja1k0ak68ja0k86k49j93k39k58k85k67j29j92k57k75j38j83k66k47k74k56k65k73i19i91j09j90j48j84j72\
        k46k64i28i82i18j37j27i17i71j55j07j70j36j63j45j54j26j62j35h81i08i80i16i61i06i60j53j44i25i52i05h15h51\
        i34i43i50i24i42i33h14g41h04h40h23h32g13g31g03g30g22f12f21f02f20d11d01c10a00";
    tables[15] = "\
        mffmefmfemdfleemfdmcfmfcmdemedmbflfbmcemeclddlaflfalbeleblcdldcl9flf9lealbdldbl8flf8lccl9ele9l7flf7\
        ladldalbcl6fmaem0fkcbkf6l8ele8l5fl9dkf5k7eke7kackcakbbld9l8dk4fkf4k3fkf3kd8ke6k2fkf2l6elf0k1fkf1k9c\
        kc9k5ekabkbake5k7dkd7k4eke4k8ckc8k3ek6dkd6ke3k9bkb9k2ekaake2k1eke1l0ele0k5dkd5k7ckc7k4dk8bjd4kb8k9a\
        ka9k6ckc6k3djd3jd2k2dk0dj1dj7bjb7jd1k5ckd0jc5j8aja8j4cjc4j6bjb6k99k0cj3cjc3j7aja7ja6kc0k0bic2j2cj5b\
        jb5j1cj89j98jc1j4bjb4j6aj3bj79ib3j97j88j2bj5aib2ja5j1bib1jb0j69j96j4aja4j78j87j3aia3i59i95i2aia2i1a\
        ia1j0aja0i68i86i49i94i39i93j77j09i58i85i29i67i76i92h91i19i90i48i84i57i75i38i83i66i47h28h82h18h81i74\
        i08i80i56i65i37i73i46h27h72h64h17h55h71i07i70h36h63h45h54h26h62h16i06i60h35g61h53h44g25g52g15g51h05\
        h50g34g43g24g42g33f41g14g04f23f32g40g03f13f31f30e22e12e21e02e20c11d01d10c00";
    tables[16] = "\
        kefkfekdfkfdkcfkfckbfkfbjafkfak9fkf9kf8j8fj7fjf7j6fjf6hffj5fjf5i4fif4if3if0j3fpceqecqddodeoe9peapd9\
        neeoedoebnbencdodcodbnaenccoadodao7eoacncaoc9o7dn5embdhf2i2fi0fh1fhf1m9enbcncbn8ene8n9dne7nbbn8dnd8\
        n6eme6m9cnabnbane5nd7m4ene4n8cmc8m3em6dnd6n9bnb9naame1md4nb8na9m7bnb7nd0le3m0eme0m5dmd5m7cmc7m4dm8b\
        m9am6cmc6m3dm5cmc5l0dm8ama8m99m4cmb6m7al3cm5bm89l1clc0m98m79ke2l2el1eld3l2dld2ld1l3bm97m88k1dlc4l6b\
        lc3la7k2clc2lb5lc1l0cl4blb4l6ala6kb3l5ala5k2bkb2k1bkb1l0blb0l69l96l4ala4l78l87ka3l3al59k2al95l68ka1\
        l86l77k94l49l57k67ja2j1ak0aka0k39k93k58k85j29j92k76k09j19j91k90k48k84k75k38k83k66k28j82k47k74j18j81\
        j80k08k56j37j73k65k46j27j72k64k55j07i17i71j70j36j63j45j54j26i62i16i61j06j60i53j35j44i25i52h51i15i05\
        i34i43i50i24i42i33h14h41i04i40h23h32g13g31h03h30g22f12f21f02f20d11d01c10a00";
    tables[24] = "\
        hefhfehdfhfdhcfhfchbfhfbgfahafh9fgf9gf8h8fh7fgf7g6fgf6g5fgf5g4fgf4g3fgf3g2fgf2gf1h1fhf0i0fkeekdeked\
        kcekeckddkbekebkcdkdckaekeakbdkdbkcck9eke9kadkdakbckcbk8eke8k9dkd9k7eke7kacdffkcakbbk8dkd8l0ele0k0d\
        je6k6ek9cjc9j5ejbaje5kabk7djd7je4j8cjc8k4ek2ej3ej6djd6je3j9bjb9jaaje2j1eje1j5djd5j7cjc7j4dj8bjb8jd4\
        j9aja9j6cjc6j3djd3j2djd2j1dj7bjb7jd1j5cjc5j8aja8j99j4cjc4j6bjb6kd0k0cj3cjc3j7aja7j2cjc2j5bjb5j1cj89\
        j98jc1j4bkc0k0bj3bkb0k0aj1aib4j6aja6j79j97ka0k09j90ib3i88j2bj5aib2ja5j1bjb1j69i96ia4j4aj78i87i3aia3\
        i59i95i2aia2ia1i68i86i77i49i94i39i93i58i85i29i67i76i92i19i91i48i84i57i75i38i83i66i28i82i18i47i74i81\
        j08j80i56i65i17j07j70h73i37i27h72h46h64h55h71h36h63h45h54h26h62h16h61i06i60h35h53h44h25h52h15i05i50\
        g51h34h43g24g42g33g14g41h04h40g23g32f13f31g03g30f22e12e21f02f20d11d01d10d00";
    tables
};
/// Four values of 0 or 1 each, one digit for them all; the other table of them has four bits each.
const QUADS: &str = "f0bf0ff0df0ef07f05e09e06e03e0ae0cd02d01d04d08a00";
/// Bits that follow a value of 15 in the tables from 16 on.
const EXTRA_BITS: [u8; 16] = [1, 2, 3, 4, 6, 8, 10, 13, 4, 5, 6, 7, 8, 9, 11, 13];

/// A code, and what it takes.
#[derive(Clone, Copy)]
struct Leaf {
    /// The first 32 bits of what starts with this code, at least.
    start: u32,
    /// Length of the code, in bits.
    bits: u8,
    /// Two values of four bits, or four of one.
    values: u8,
}

fn leaves(text: &str) -> Vec<Leaf> {
    let mut start = 0_u32;
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or(0) as u8;
    text.as_bytes()
        .chunks_exact(3)
        .map(|entry| {
            let leaf =
                Leaf { start, bits: entry[0] - b'a' + 1, values: digit(entry[1]) << 4 | digit(entry[2]) };
            start = start.wrapping_add(1 << (32 - leaf.bits));
            leaf
        })
        .collect()
}

/// The tables, made ready once.
struct Codes {
    pairs: Vec<Vec<Leaf>>,
    quads: Vec<Leaf>,
}

fn codes() -> &'static Codes {
    static CODES: OnceLock<Codes> = OnceLock::new();
    CODES.get_or_init(|| Codes {
        pairs: PAIRS.iter().map(|text| leaves(text)).collect(),
        quads: leaves(QUADS),
    })
}

fn find(leaves: &[Leaf], next: u32) -> Leaf {
    leaves[leaves.partition_point(|leaf| leaf.start <= next) - 1]
}

/// Whether there is a table of that number.
pub fn is_table(number: usize) -> bool {
    number < 32 && number != 4 && number != 14
}

/// How many bits the pair takes that starts with the 32 bits `next`. Table 0 takes none.
pub fn pair(table: usize, next: u32) -> usize {
    let (leaves, extra) = match table {
        0 | 4 | 14 => return 0,
        1..=15 => (&codes().pairs[table], 0),
        16..=23 => (&codes().pairs[16], EXTRA_BITS[table - 16]),
        _ => (&codes().pairs[24], EXTRA_BITS[(table - 16) & 15]),
    };
    let leaf = find(leaves, next);
    let signs_and_extra = |value: u8| u8::from(value > 0) + if value == 15 { extra } else { 0 };
    let bits = leaf.bits + signs_and_extra(leaf.values >> 4) + signs_and_extra(leaf.values & 15);
    usize::from(bits)
}

/// How many bits four small values take, and whether all are 0; `flat`: of the table whose codes have four bits each.
pub fn quad(flat: bool, next: u32) -> (usize, bool) {
    let (bits, values) = if flat {
        // Its codes are the values, inverted.
        (4, !(next >> 28) & 15)
    } else {
        let leaf = find(&codes().quads, next);
        (usize::from(leaf.bits), u32::from(leaf.values))
    };
    (bits + values.count_ones() as usize, values == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_table_is_complete_and_has_every_value_once() {
        for (number, text) in PAIRS.iter().enumerate().chain([(99, &QUADS)]) {
            let leaves = leaves(text);
            let (width, values) = match number {
                0 | 4 | 14 | 17..=23 => {
                    assert!(leaves.is_empty());
                    continue;
                }
                1 => (2, 4),
                2 | 3 => (3, 9),
                5 | 6 => (4, 16),
                7..=9 => (6, 36),
                10..=12 => (8, 64),
                99 => (16, 16),
                _ => (16, 256),
            };
            let room: u64 = leaves.iter().map(|leaf| 1 << (32 - leaf.bits)).sum();
            assert_eq!(room, 1 << 32, "table {number}");
            let mut seen: Vec<u8> = leaves.iter().map(|leaf| leaf.values).collect();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), values, "table {number}");
            assert!(seen.iter().all(|value| value >> 4 < width && value & 15 < width), "table {number}");
        }
    }

    #[test]
    fn lengths_with_signs_and_extra_bits() {
        assert_eq!(pair(1, 0x8000_0000), 1);
        assert_eq!(pair(1, 0x0000_0000), 3 + 2);
        assert_eq!(pair(0, 0xFFFF_FFFF), 0);
        // 15 and 15, eight bits long in table 16, with a sign and 13 more bits each.
        let all = codes().pairs[16].iter().find(|leaf| leaf.values == 0xFF).unwrap();
        assert_eq!(pair(23, all.start), usize::from(all.bits) + 28);
        assert_eq!(quad(true, 0), (4 + 4, false));
        assert_eq!(quad(true, 0xFFFF_FFFF), (4, true));
        assert_eq!(quad(false, 0x8000_0000), (1, true));
    }
}
