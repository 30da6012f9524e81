"""Half an hour under more load than slates can follow, with two restarts; is all as it was?"""
