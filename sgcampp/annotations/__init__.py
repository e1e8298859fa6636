"""Objects that somebody marked in images: COCO, Pascal VOC, masks, tables."""
