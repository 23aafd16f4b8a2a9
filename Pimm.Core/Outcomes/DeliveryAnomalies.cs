namespace Pimm.Core.Outcomes;

/// <summary>Deliveries that no plan explains, by the customer's arm in this campaign. None of them is in the counts of delivered impressions.</summary>
/// <param name="NotExportedControl">deliveries to control customers whom that wave did not export: held back, or not reached</param>
/// <param name="NotExportedTreatment">the same of treatment customers</param>
/// <param name="NotEligible">deliveries to customers who have no arm in this campaign</param>
/// <param name="OtherCampaignControl">
/// control customers, reached here or not, to whom another campaign of the audience, open at the same time, delivered
/// </param>
/// <param name="OtherCampaignTreatment">the same of treatment customers</param>
/// <param name="BothArmsControl">those of OtherCampaignControl who are in the treatment there</param>
/// <param name="BothArmsTreatment">those of OtherCampaignTreatment who are in the control there</param>
public sealed record DeliveryAnomalies(
    long NotExportedControl, long NotExportedTreatment, long NotEligible, long OtherCampaignControl, long OtherCampaignTreatment,
    long BothArmsControl, long BothArmsTreatment);

/// <summary>An arm of a wave whose numbers of exported customers do not agree.</summary>
/// <param name="Arm">0 control, 1 treatment</param>
/// <param name="Impressions">as published</param>
/// <param name="Planned">exported by the arm's own stored plan</param>
/// <param name="Listed">rows of the written list; null: none was written</param>
public sealed record AlteredWave(DateOnly WaveDate, short Arm, int Impressions, long Planned, long? Listed);
