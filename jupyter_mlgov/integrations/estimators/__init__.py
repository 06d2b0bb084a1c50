"""The door to scikit-learn's models at work: what they read, their scores, and Shapley values of linear models and trees."""
