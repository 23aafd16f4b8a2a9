namespace Pimm.Web.Privacy;

public sealed class PrivacyWords;
