"""Which numbers stand in a report's tables, and under what heading."""

from __future__ import annotations

from typing import Final, NamedTuple

from eval.benchmarks.rwku import SETS, Form


class Block(NamedTuple):
    """A table: its title, and heading -> metric of each column."""

    title: str
    columns: dict[str, str]


TOFU: Final = (
    Block(
        "Forgetting and utility",
        {
            "Forget Quality": "forget_quality",
            "KS distance": "forget_distance",
            "Model Utility": "model_utility",
            "Forget Prob": "forget_probability",
            "Forget ROUGE": "forget_rouge",
            "Forget TR": "forget_truth_ratio",
        },
    ),
    Block(
        "Utility sets",
        {
            "Retain Prob": "retain_probability",
            "Retain ROUGE": "retain_rouge",
            "Retain TR": "retain_truth_ratio",
            "Authors Prob": "real_authors_probability",
            "Authors ROUGE": "real_authors_rouge",
            "Authors TR": "real_authors_truth_ratio",
            "Facts Prob": "world_facts_probability",
            "Facts ROUGE": "world_facts_rouge",
            "Facts TR": "world_facts_truth_ratio",
        },
    ),
    Block(
        "Memorisation and membership",
        {
            "Extraction": "extraction_strength",
            "Exact mem.": "exact_memorization",
            "MIA loss": "mia_loss",
            "MIA zlib": "mia_zlib",
            "MIA min-k": "mia_min_k",
            "MIA min-k++": "mia_min_k_plus_plus",
            "PrivLeak": "privleak",
        },
    ),
    Block(
        "Share of prompts touched",
        {
            "Forget": "forget_touched",
            "Retain": "retain_touched",
            "Authors": "real_authors_touched",
            "Facts": "world_facts_touched",
            "Holdout": "holdout_touched",
        },
    ),
)

MUSE: Final = (
    Block(
        "The authors' criteria (times 100)",
        {
            "VerbMem forget": "verbmem_f",
            "KnowMem forget": "knowmem_f",
            "PrivLeak": "privleak",
            "KnowMem retain": "knowmem_r",
        },
    ),
    Block(
        "Behind them",
        {
            "Longest quote (words)": "longest_quote",
            "AUC Min-40 % (authors' direction)": "auc_min_k",
            "VerbMem touched": "verbmem_touched",
            "KnowMem forget touched": "knowmem_forget_touched",
            "KnowMem retain touched": "knowmem_retain_touched",
            "Privleak forget touched": "privleak_forget_touched",
            "Privleak holdout touched": "privleak_holdout_touched",
        },
    ),
)

WPU: Final = (
    Block(
        "ROUGE on the forgotten persons",
        {
            "ROUGE-L recall": "forget_rougeL_recall",
            "ROUGE-1 recall": "forget_rouge1_recall",
            "ROUGE-L F1": "forget_rougeL_f1",
            "ROUGE-L recall, many-shot": "forget_many_shot_rougeL_recall",
            "ROUGE-1 recall, many-shot": "forget_many_shot_rouge1_recall",
            "ROUGE-L F1, many-shot": "forget_many_shot_rougeL_f1",
            "Shots": "shots",
            "Touched": "forget_touched",
            "Touched, many-shot": "forget_many_shot_touched",
        },
    ),
)

RWKU: Final = (
    Block(
        "ROUGE-L recall (times 100)",
        {
            "Forget FB": "forget_fb",
            "Forget QA": "forget_qa",
            "Forget AA": "forget_aa",
            "Forget all": "forget_all",
            "Neighbor FB": "neighbor_fb",
            "Neighbor QA": "neighbor_qa",
            "Neighbor all": "neighbor_all",
        },
    ),
    Block(
        "Adversarial forms",
        {form.value: f"form_{form.value.replace(' ', '_')}" for form in Form},
    ),
    Block(
        "Share of prompts touched",
        {name.replace("_", " "): f"{name}_touched" for name in SETS},
    ),
)
