"""Organ labels: number, name, code and side of every label that an organ map may hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from psmacore.model.codes import Code

Side = Literal["left", "right"]

LEFT = Code("7771000", "SCT", "Left")
RIGHT = Code("24028007", "SCT", "Right")


@dataclass(frozen=True)
class Organ:
    """One label.

    Parameters
    ----------
    number : int
        1 to 117 as TotalSegmentator v2 numbers them (Wasserthal, Radiology AI 2023;5:e230024);
        above 200 glands and ureters, which it lacks and which are the hottest in PSMA PET.
    name : str
        TotalSegmentator's class name, or in its manner.
    code : Code or None
        SNOMED CT body structure; ``None`` where the DICOM context groups hold none.
    side : str or None
        ``left``, ``right`` or ``None`` for the midline.
    """

    number: int
    name: str
    code: Code | None
    side: Side | None


# number, name, SNOMED CT code and meaning, side
_TABLE: tuple[tuple[int, str, str, Side | None], ...] = (
    (1, "spleen", "78961009 Spleen", None),
    (2, "kidney_right", "64033007 Kidney", "right"),
    (3, "kidney_left", "64033007 Kidney", "left"),
    (4, "gallbladder", "28231008 Gallbladder", None),
    (5, "liver", "10200004 Liver", None),
    (6, "stomach", "69695003 Stomach", None),
    (7, "pancreas", "15776009 Pancreas", None),
    (8, "adrenal_gland_right", "23451007 Adrenal gland", "right"),
    (9, "adrenal_gland_left", "23451007 Adrenal gland", "left"),
    (10, "lung_upper_lobe_left", "45653009 Upper lobe of lung", "left"),
    (11, "lung_lower_lobe_left", "90572001 Lower lobe of lung", "left"),
    (12, "lung_upper_lobe_right", "45653009 Upper lobe of lung", "right"),
    (13, "lung_middle_lobe_right", "72481006 Middle lobe of right lung", "right"),
    (14, "lung_lower_lobe_right", "90572001 Lower lobe of lung", "right"),
    (15, "esophagus", "32849002 Esophagus", None),
    (16, "trachea", "44567001 Trachea", None),
    (17, "thyroid_gland", "69748006 Thyroid", None),
    (18, "small_bowel", "30315005 Small intestine", None),
    (19, "duodenum", "38848004 Duodenum", None),
    (20, "colon", "71854001 Colon", None),
    (21, "urinary_bladder", "89837001 Urinary bladder", None),
    (22, "prostate", "41216001 Prostate", None),
    (23, "kidney_cyst_left", "", "left"),
    (24, "kidney_cyst_right", "", "right"),
    (25, "sacrum", "54735007 Sacrum", None),
    (26, "vertebrae_S1", "", None),
    (27, "vertebrae_L5", "49668003 L5 vertebra", None),
    (28, "vertebrae_L4", "11994002 L4 vertebra", None),
    (29, "vertebrae_L3", "36470004 L3 vertebra", None),
    (30, "vertebrae_L2", "14293000 L2 vertebra", None),
    (31, "vertebrae_L1", "66794005 L1 vertebra", None),
    (32, "vertebrae_T12", "23215003 T12 vertebra", None),
    (33, "vertebrae_T11", "12989004 T11 vertebra", None),
    (34, "vertebrae_T10", "7610001 T10 vertebra", None),
    (35, "vertebrae_T9", "82687006 T9 vertebra", None),
    (36, "vertebrae_T8", "11068009 T8 vertebra", None),
    (37, "vertebrae_T7", "62487009 T7 vertebra", None),
    (38, "vertebrae_T6", "45296009 T6 vertebra", None),
    (39, "vertebrae_T5", "56401006 T5 vertebra", None),
    (40, "vertebrae_T4", "73071006 T4 vertebra", None),
    (41, "vertebrae_T3", "1626008 T3 vertebra", None),
    (42, "vertebrae_T2", "53733008 T2 vertebra", None),
    (43, "vertebrae_T1", "64864005 T1 vertebra", None),
    (44, "vertebrae_C7", "87391001 C7 vertebra", None),
    (45, "vertebrae_C6", "36054005 C6 vertebra", None),
    (46, "vertebrae_C5", "36978003 C5 vertebra", None),
    (47, "vertebrae_C4", "5329002 C4 vertebra", None),
    (48, "vertebrae_C3", "113205007 C3 vertebra", None),
    (49, "vertebrae_C2", "39976000 C2 vertebra", None),
    (50, "vertebrae_C1", "14806007 C1 vertebra", None),
    (51, "heart", "80891009 Heart", None),
    (52, "aorta", "15825003 Aorta", None),
    (53, "pulmonary_vein", "122972007 Pulmonary vein", None),
    (54, "brachiocephalic_trunk", "12691009 Brachiocephalic artery", None),
    (55, "subclavian_artery_right", "36765005 Subclavian artery", "right"),
    (56, "subclavian_artery_left", "36765005 Subclavian artery", "left"),
    (57, "common_carotid_artery_right", "32062004 Common carotid artery", "right"),
    (58, "common_carotid_artery_left", "32062004 Common carotid artery", "left"),
    (59, "brachiocephalic_vein_left", "", "left"),
    (60, "brachiocephalic_vein_right", "", "right"),
    (61, "atrial_appendage_left", "33626005 Left auricular appendage", None),
    (62, "superior_vena_cava", "48345005 Superior vena cava", None),
    (63, "inferior_vena_cava", "64131007 Inferior vena cava", None),
    (64, "portal_vein_and_splenic_vein", "", None),
    (65, "iliac_artery_left", "73634005 Common iliac artery", "left"),
    (66, "iliac_artery_right", "73634005 Common iliac artery", "right"),
    (67, "iliac_vena_left", "46027005 Common iliac vein", "left"),
    (68, "iliac_vena_right", "46027005 Common iliac vein", "right"),
    (69, "humerus_left", "85050009 Humerus", "left"),
    (70, "humerus_right", "85050009 Humerus", "right"),
    (71, "scapula_left", "79601000 Scapula", "left"),
    (72, "scapula_right", "79601000 Scapula", "right"),
    (73, "clavicula_left", "51299004 Clavicle", "left"),
    (74, "clavicula_right", "51299004 Clavicle", "right"),
    (75, "femur_left", "71341001 Femur", "left"),
    (76, "femur_right", "71341001 Femur", "right"),
    (77, "hip_left", "29836001 Hip", "left"),
    (78, "hip_right", "29836001 Hip", "right"),
    (79, "spinal_cord", "2748008 Spinal cord", None),
    (80, "gluteus_maximus_left", "", "left"),
    (81, "gluteus_maximus_right", "", "right"),
    (82, "gluteus_medius_left", "", "left"),
    (83, "gluteus_medius_right", "", "right"),
    (84, "gluteus_minimus_left", "", "left"),
    (85, "gluteus_minimus_right", "", "right"),
    (86, "autochthon_left", "44947003 Erector spinae muscle", "left"),
    (87, "autochthon_right", "44947003 Erector spinae muscle", "right"),
    (88, "iliopsoas_left", "", "left"),
    (89, "iliopsoas_right", "", "right"),
    (90, "brain", "12738006 Brain", None),
    (91, "skull", "89546000 Skull", None),
    (92, "rib_left_1", "113197003 Rib", "left"),
    (93, "rib_left_2", "113197003 Rib", "left"),
    (94, "rib_left_3", "113197003 Rib", "left"),
    (95, "rib_left_4", "113197003 Rib", "left"),
    (96, "rib_left_5", "113197003 Rib", "left"),
    (97, "rib_left_6", "113197003 Rib", "left"),
    (98, "rib_left_7", "113197003 Rib", "left"),
    (99, "rib_left_8", "113197003 Rib", "left"),
    (100, "rib_left_9", "113197003 Rib", "left"),
    (101, "rib_left_10", "113197003 Rib", "left"),
    (102, "rib_left_11", "113197003 Rib", "left"),
    (103, "rib_left_12", "113197003 Rib", "left"),
    (104, "rib_right_1", "113197003 Rib", "right"),
    (105, "rib_right_2", "113197003 Rib", "right"),
    (106, "rib_right_3", "113197003 Rib", "right"),
    (107, "rib_right_4", "113197003 Rib", "right"),
    (108, "rib_right_5", "113197003 Rib", "right"),
    (109, "rib_right_6", "113197003 Rib", "right"),
    (110, "rib_right_7", "113197003 Rib", "right"),
    (111, "rib_right_8", "113197003 Rib", "right"),
    (112, "rib_right_9", "113197003 Rib", "right"),
    (113, "rib_right_10", "113197003 Rib", "right"),
    (114, "rib_right_11", "113197003 Rib", "right"),
    (115, "rib_right_12", "113197003 Rib", "right"),
    (116, "sternum", "56873002 Sternum", None),
    (117, "costal_cartilages", "50016007 Costal cartilage", None),
    (201, "parotid_gland_left", "45289007 Parotid gland", "left"),
    (202, "parotid_gland_right", "45289007 Parotid gland", "right"),
    (203, "submandibular_gland_left", "54019009 Submandibular gland", "left"),
    (204, "submandibular_gland_right", "54019009 Submandibular gland", "right"),
    (205, "lacrimal_gland_left", "13561001 Lacrimal gland", "left"),
    (206, "lacrimal_gland_right", "13561001 Lacrimal gland", "right"),
    (207, "ureter_left", "87953007 Ureter", "left"),
    (208, "ureter_right", "87953007 Ureter", "right"),
)


def _code(text: str) -> Code | None:
    value, _, meaning = text.partition(" ")
    return Code(value, "SCT", meaning) if value else None


ORGANS: dict[int, Organ] = {number: Organ(number, name, _code(text), side) for number, name, text, side in _TABLE}
ORGAN_NUMBERS: dict[str, int] = {organ.name: organ.number for organ in ORGANS.values()}

LIVER = ORGAN_NUMBERS["liver"]
SPLEEN = ORGAN_NUMBERS["spleen"]
KIDNEYS = (ORGAN_NUMBERS["kidney_left"], ORGAN_NUMBERS["kidney_right"])
BLADDER = ORGAN_NUMBERS["urinary_bladder"]
PROSTATE = ORGAN_NUMBERS["prostate"]
AORTA = ORGAN_NUMBERS["aorta"]
PAROTIDS = (201, 202)
SUBMANDIBULARS = (203, 204)
LACRIMALS = (205, 206)
URETERS = (207, 208)
