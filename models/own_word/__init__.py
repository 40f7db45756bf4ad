"""A model for a phrase of one's own, from voices to card, in phases that can be resumed."""
