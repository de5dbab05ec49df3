"""Models of transformers small enough to be written on the spot, with random weights, and their tokenizers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

WORDS = ["[PAD]", "[UNK]", "a", "of", "water", "tree", "roof", "photo", "aerial", "image", "satellite", "soil", "bare"]


def save_tokenizer(folder: Path, length: int) -> None:
    """Write a tokenizer that knows a few words; its last token ends every text, with the highest number."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    known = {word: number for number, word in enumerate([*WORDS, "[EOS]"])}
    words = Tokenizer(models.WordLevel(known, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(single="$A [EOS]", special_tokens=[("[EOS]", known["[EOS]"])])
    PreTrainedTokenizerFast(
        tokenizer_object=words, unk_token="[UNK]", pad_token="[PAD]", eos_token="[EOS]", model_max_length=length
    ).save_pretrained(folder)


def save_siglip(folder: Path) -> Any:
    """Write a SigLIP."""
    import torch
    from transformers import SiglipConfig, SiglipModel

    torch.manual_seed(0)
    layers = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = SiglipConfig(
        vision_config={**layers, "image_size": 32, "patch_size": 8},
        text_config={**layers, "vocab_size": len(WORDS) + 1, "max_position_embeddings": 16, "projection_size": 32},
    )
    return _written(SiglipModel(config), folder, 16)


def save_clipseg(folder: Path) -> Any:
    """Write a CLIPSeg."""
    import torch
    from transformers import CLIPSegConfig, CLIPSegForImageSegmentation

    torch.manual_seed(0)
    layers = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 2}
    config = CLIPSegConfig(
        vision_config={**layers, "image_size": 32, "patch_size": 8},
        text_config={**layers, "vocab_size": len(WORDS) + 1, "eos_token_id": len(WORDS)},
        projection_dim=24,
        reduce_dim=16,
        extract_layers=[0, 1, 2],
        decoder_num_attention_heads=2,
        decoder_intermediate_size=32,
    )
    return _written(CLIPSegForImageSegmentation(config), folder, 77)


def save_sam3(folder: Path) -> Any:
    """Write a SAM 3."""
    import torch
    from transformers import Sam3Config, Sam3Model

    torch.manual_seed(0)
    part = {"hidden_size": 32, "num_attention_heads": 2}
    config = Sam3Config(
        vision_config={
            "backbone_config": {
                **{**part, "intermediate_size": 64, "num_hidden_layers": 2, "image_size": 56, "patch_size": 14},
                **{
                    "window_size": 2,
                    "global_attn_indexes": [1],
                    "pretrain_image_size": 28,
                    "model_type": "sam3_vit_model",
                },
            },
            "fpn_hidden_size": 32,
            "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
        },
        text_config={
            **{**part, "intermediate_size": 64, "num_hidden_layers": 2, "vocab_size": len(WORDS) + 1},
            **{"projection_dim": 32, "max_position_embeddings": 32, "model_type": "clip_text_model"},
            **{"eos_token_id": len(WORDS)},
        },
        geometry_encoder_config={**part, "num_layers": 1, "intermediate_size": 64},
        detr_encoder_config={**part, "num_layers": 1, "intermediate_size": 64},
        detr_decoder_config={**part, "num_layers": 1, "intermediate_size": 64, "num_queries": 5},
        mask_decoder_config={**part},
    )
    return _written(Sam3Model(config), folder, 32)


def _written(model: Any, folder: Path, length: int) -> Any:
    model = model.eval().requires_grad_(False)
    model.save_pretrained(folder)
    save_tokenizer(folder, length)
    about = {"image_processor_type": "ViTImageProcessor", "image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.3, 0.4]}
    (folder / "preprocessor_config.json").write_text(json.dumps(about))
    return model
