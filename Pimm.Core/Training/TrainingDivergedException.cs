namespace Pimm.Core.Training;

/// <summary>The loss stopped being a number: the learning rate is too large for these rows.</summary>
public sealed class TrainingDivergedException(string sentence) : InputException(sentence);
