namespace Pimm.Web.Schedules;

/// <summary>The words of this folder's pages.</summary>
public sealed class SchedulesWords;
