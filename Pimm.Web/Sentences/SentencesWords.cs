namespace Pimm.Web.Sentences;

/// <summary>Names the resources of <see cref="CoreSentences"/>.</summary>
public sealed class SentencesWords;
